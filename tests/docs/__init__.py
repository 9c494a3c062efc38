"""Tests of the documentation site as it is built."""
