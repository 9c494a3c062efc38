"""The privacy budget: units of privacy loss, sensitivity of a person-year, and the accounts."""
