"""Suppression of tables: primary and complementary suppression, audited beside everything published before."""
