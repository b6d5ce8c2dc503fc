# Example values: put yours in their place.
account_id              = "111122223333"
region                  = "eu-central-1"
size                    = "small"
chats                   = [{ name = "chat", namespace = "chat" }]
administrator_role_arns = ["arn:aws:iam::111122223333:role/platform"]
repository              = "example/elastic-chat"
state_bucket            = "example-terraform-state"
email_addresses         = ["oncall@example.com"]
monthly_budget_usd      = 1500
