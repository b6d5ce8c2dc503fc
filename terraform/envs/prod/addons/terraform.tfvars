# Example values: put yours in their place.
region           = "eu-central-1"
state_bucket     = "example-terraform-state"
operator_version = "0.1.0"
