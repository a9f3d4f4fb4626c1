"""Why a certified plan costs what it costs, in records that anyone can check and sentences that anyone can read (9.9)."""
