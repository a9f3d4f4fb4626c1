"""The header Idempotency-Key (protocol 10.4)."""

from typing import Annotated

from fastapi import Header

IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=1, max_length=200, description="repeat it to repeat the answer")
]
"""1 to 200 characters that the caller chooses for one action."""
