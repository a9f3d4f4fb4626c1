"""Why a certified plan costs what it costs: records that anyone can check, sentences that anyone can read (9.9)."""
