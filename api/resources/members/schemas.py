"""Members, as Infisical spells them: one for each holder, with all the roles that they have in the project."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from django.contrib.auth.models import Group, User
from pydantic import Field, StringConstraints, model_validator

from api.models import MachineIdentity
from api.resources.base import EXAMPLE_ID, Answer, Request, Timestamp, left_out, one_of
from vault.access.models import MOST_LIMITS, Membership
from vault.access.roles import Role as Roles
from vault.editing.members import Terms

MOST_ROLES = 50
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
RoleName = Annotated[Word, one_of(*Roles.values), Field(examples=["editor"])]
Environments = Annotated[
    list[Word], Field(max_length=MOST_LIMITS, description="Slugs; none means all environments.", examples=[["dev"]])
]
Paths = Annotated[
    list[Annotated[str, StringConstraints(max_length=1024)]],
    Field(max_length=MOST_LIMITS, description="Folders with all below them; none means all.", examples=[["/app"]]),
]


class RoleIn(Request):
    role: RoleName
    environments: Environments = Field(default_factory=list)
    paths: Paths = Field(default_factory=list)
    is_temporary: Literal[False] = Field(False, description="Accepted: a role lasts until it is taken away.")

    @property
    def terms(self) -> Terms:
        return Terms(self.role, self.environments, self.paths)


class SetRoles(Request):
    """The roles that somebody shall have in the project, and no others."""

    roles: list[RoleIn] = Field(min_length=1, max_length=MOST_ROLES)

    @property
    def terms(self) -> list[Terms]:
        return [each.terms for each in self.roles]


class GiveRoles(Request):
    """One role for the whole project, or several with their places."""

    role: RoleName = left_out()
    roles: list[RoleIn] = left_out(min_length=1, max_length=MOST_ROLES)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.role is None) == (self.roles is None):
            raise ValueError("Send role, for one in the whole project, or roles.")
        return self

    @property
    def terms(self) -> list[Terms]:
        return [Terms(self.role)] if self.roles is None else [each.terms for each in self.roles]


class InviteMembers(Request):
    usernames: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]] = Field(
        min_length=1, max_length=100, examples=[["alice"]]
    )
    role_slugs: list[RoleName] = left_out(min_length=1, max_length=len(Roles), examples=[["editor"]])
    roles: list[RoleIn] = left_out(
        min_length=1, max_length=MOST_ROLES, description="Instead of roleSlugs, roles with their places."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_of_both(cls, sent: Any) -> Any:
        if isinstance(sent, dict) and ("roleSlugs" in sent) == ("roles" in sent):
            raise ValueError("Send roleSlugs, for roles in the whole project, or roles.")
        return sent

    @property
    def terms(self) -> list[Terms]:
        if self.roles is not None:
            return [each.terms for each in self.roles]
        return [Terms(each) for each in self.role_slugs]


class RoleOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    role: RoleName
    environments: Environments
    paths: Paths
    is_temporary: bool
    custom_role_id: UUID | None
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, row: Membership) -> Self:
        return cls(
            id=row.pk,
            role=row.role,
            environments=row.environments,
            paths=row.paths,
            is_temporary=False,
            custom_role_id=None,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class MemberOut(Answer):
    """`id` is that of the oldest of the roles; any of theirs finds the member."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    project_id: UUID = Field(examples=[EXAMPLE_ID])
    roles: list[RoleOut]
    created_at: Timestamp
    updated_at: Timestamp

    @staticmethod
    def shared(rows: Sequence[Membership]) -> dict[str, Any]:
        updated: datetime = max(row.updated_at for row in rows)
        first = {"id": rows[0].pk, "project_id": rows[0].project_id, "created_at": rows[0].created_at}
        return first | {"roles": [RoleOut.of(row) for row in rows], "updated_at": updated}


class UserOut(Answer):
    id: str = Field(examples=["7"])
    username: str = Field(examples=["alice"])


class PersonMember(MemberOut):
    user_id: str = Field(examples=["7"])
    user: UserOut

    @classmethod
    def of(cls, user: User, rows: Sequence[Membership]) -> Self:
        own = UserOut(id=str(user.pk), username=user.get_username())
        return cls(**cls.shared(rows), user_id=str(user.pk), user=own)


class IdentityInMember(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["Deployer"])


class IdentityMember(MemberOut):
    identity_id: UUID = Field(examples=[EXAMPLE_ID])
    identity: IdentityInMember

    @classmethod
    def of(cls, identity: MachineIdentity, rows: Sequence[Membership]) -> Self:
        own = IdentityInMember(id=identity.pk, name=identity.name)
        return cls(**cls.shared(rows), identity_id=identity.pk, identity=own)


class GroupInMember(Answer):
    id: str = Field(examples=["5"])
    name: str = Field(examples=["Payments"])


class GroupMember(MemberOut):
    group_id: str = Field(examples=["5"])
    group: GroupInMember

    @classmethod
    def of(cls, group: Group, rows: Sequence[Membership]) -> Self:
        own = GroupInMember(id=str(group.pk), name=group.name)
        return cls(**cls.shared(rows), group_id=str(group.pk), group=own)


class ManyMembers(Answer):
    memberships: list[PersonMember]


class OneMember(Answer):
    membership: PersonMember


class ManyIdentityMembers(Answer):
    identity_memberships: list[IdentityMember]
    total_count: int = Field(examples=[1])


class OneIdentityMember(Answer):
    identity_membership: IdentityMember


class ManyGroupMembers(Answer):
    group_memberships: list[GroupMember]


class OneGroupMember(Answer):
    group_membership: GroupMember
