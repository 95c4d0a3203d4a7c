"""The product without its doors: domain code, services, jobs."""
