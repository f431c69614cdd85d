package io.digitaltwin.realtime

/** Whatever goes wrong between client and server. [code] is of the server's closed list. */
public class TwinException(
    public val code: String,
    message: String = code,
    cause: Throwable? = null,
) : Exception(message, cause) {
    /** Whether the same may be taken later. */
    public val isPassing: Boolean get() = code in PASSING
}

/** The rows of `src/contract/errors.ts` with `retry: later`, and what only a client meets. */
private val PASSING = setOf(
    "UNREACHABLE",
    "RATE_LIMITED",
    "VIEW_BEHIND",
    "ACCESS_UNAVAILABLE",
    "AUDIT_UNAVAILABLE",
    "LOG_UNAVAILABLE",
    "GATEWAY_LOG_UNAVAILABLE",
    "NOT_COMMITTED",
    "SHUTTING_DOWN",
    "INTERNAL",
)

internal enum class Again { YES, TOKEN, NEVER }

internal class Verdict(val error: TwinException, val again: Again)

/** What the end of a connection means for the next one (docs/gateway.md, "Close codes"). */
internal fun verdictOf(code: Int): Verdict = when (code) {
    4401 -> Verdict(TwinException("UNAUTHENTICATED"), Again.TOKEN)
    4400 -> Verdict(TwinException("INVALID_REQUEST"), Again.NEVER)
    4403 -> Verdict(TwinException("INSUFFICIENT_SCOPE"), Again.NEVER)
    4404 -> Verdict(TwinException("NOT_FOUND"), Again.NEVER)
    4429 -> Verdict(TwinException("RATE_LIMITED"), Again.YES)
    else -> Verdict(TwinException("UNREACHABLE"), Again.YES)
}
