"""The demo: a whole region on one machine, start to finish, with a report that reconciles to zero."""
