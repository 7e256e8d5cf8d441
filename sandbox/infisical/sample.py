"""The sample data of the demo: a shop's project with an import and a reference. Nothing in it is a real secret."""

from sandbox.infisical.world import Project, World

CLIENT_ID, CLIENT_SECRET = "sandbox-identity", "sandbox-client-secret"
PROJECT_ID = "6f7a1c1e-4f0e-4c7b-9d55-2d1f0e5b8a01"
SLUG = "acme-shop"


def fill(world: World) -> Project:
    world.add_identity(CLIENT_ID, CLIENT_SECRET)
    project = world.add_project(SLUG, name="Acme Shop in Infisical")
    world.projects = {PROJECT_ID: project}
    project.id = PROJECT_ID
    world.put(project, "dev", "/shared", SENTRY_DSN="https://public@sentry.example/1", REGION="eu-west-1")
    world.put(project, "dev", "/checkout", DB_HOST="db.shop.example", DB_URL="postgres://${DB_HOST}:5432/shop")
    world.put(project, "dev", "/checkout", STRIPE_KEY="sk_test_sample", REGION="eu-central-1")
    project.environments["dev"].folders["/checkout"].imports.append(("dev", "/shared"))
    world.put(project, "prod", "/checkout", DB_HOST="db.prod.shop.example", STRIPE_KEY="sk_live_sample")
    return project
