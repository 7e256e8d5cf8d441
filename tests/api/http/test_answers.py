"""What an operation may answer is made once for all that answer it."""

from api.app import api
from api.resources.base import Problem


def test_all_routes_share_the_models_of_their_answers() -> None:
    views = [view for _, router in api._routers for view in router.path_operations.values()]
    operations = [operation for view in views for operation in view.operations]
    models = [model for operation in operations for model in operation.response_models.values() if model]

    not_found = {operation.response_models[404] for operation in operations if 404 in operation.response_models}
    assert len(operations) > 150
    assert [model.model_fields["response"].annotation for model in not_found] == [Problem]
    assert len({model.model_fields["response"].annotation for model in models}) == len(set(models))
