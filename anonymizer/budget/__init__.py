"""The privacy budget: units of privacy loss, and the accounts of person-years."""
