"""Access tokens for tests."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from hotspot.web.auth import ALGORITHM, ISSUER


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keys of one test run."""

    encryption: tuple[str, ...]
    private_pem: str
    public_pem: str

    def token(
        self,
        role: str,
        *,
        lives: timedelta = timedelta(minutes=5),
        subject: str = "test@hotspot.example",
    ) -> str:
        """An access token of an operator with this role."""
        now = datetime.now(UTC)
        claims = {
            "sub": subject,
            "role": role,
            "type": "access",
            "iss": ISSUER,
            "iat": now,
            "exp": now + lives,
        }
        return jwt.encode(claims, self.private_pem, algorithm=ALGORITHM)

    def headers(self, role: str) -> dict[str, str]:
        """The Authorization header of an operator with this role."""
        return {"Authorization": f"Bearer {self.token(role)}"}
