"""Makes a release: `make release`, `make sbom`, `make licences` and `make audit`. See docs/releasing.md."""
