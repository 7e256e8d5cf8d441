"""The REST API: Infisical's paths and shapes over DevinSync's own rules. One router a resource."""
