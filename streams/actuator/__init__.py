"""What obeys commands beside a router: `kedge.Actuator`, and ready handlers for common routers."""
