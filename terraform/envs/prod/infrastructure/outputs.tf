output "infrastructure" {
  description = "All that the add-ons and people need to know; the names are those of modules/infrastructure."
  value       = module.infrastructure
}
