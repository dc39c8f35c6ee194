"""SMS to guests: templates, gateways, delivery reports."""
