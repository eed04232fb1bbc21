"""A sandbox to try uptimed in without a network: a CRM to break, a past that is made up."""
