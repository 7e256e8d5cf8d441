"""The part of a secret's form that has a value made."""

from django import forms

from vault.generating import ALPHABETS, KINDS, LONGEST, SHORTEST, generate


class GenerateForm(forms.Form):
    kind = forms.ChoiceField(label="Kind", choices=[(name, kind.label) for name, kind in KINDS.items()])
    length = forms.IntegerField(min_value=SHORTEST, max_value=LONGEST, initial=32, help_text="A UUID has its own.")
    alphabet = forms.ChoiceField(
        choices=[(name, label) for name, (label, _) in ALPHABETS.items()], help_text="Of a password."
    )

    def make(self) -> tuple[str, str]:
        """The value, and what may be said of it."""
        kind, length = self.cleaned_data["kind"], self.cleaned_data["length"]
        value = generate(kind, length=length, alphabet=self.cleaned_data["alphabet"])
        size = f" of {length:,} characters" if KINDS[kind].takes_length else ""
        return value, f"{KINDS[kind].words}{size} was made. It is kept, sealed: leave this empty to use it."
