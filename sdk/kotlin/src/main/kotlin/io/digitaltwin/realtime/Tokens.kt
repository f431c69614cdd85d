package io.digitaltwin.realtime

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.async

/** Where an access token comes from: asked before each connection and each refresh. */
public fun interface TokenSource {
    public suspend fun token(): String
}

/**
 * One question to the source at a time: a refresh and a reconnection that meet get the same token,
 * and an answer that comes late never takes the place of a newer one.
 */
internal class Tokens(private val source: TokenSource, private val scope: CoroutineScope) {
    private var asking: Deferred<Result<String>>? = null

    /** @throws TwinException */
    suspend fun current(): String {
        val question = synchronized(this) {
            asking ?: scope.async { ask() }.also { asking = it }
        }
        return question.await().getOrThrow()
    }

    private suspend fun ask(): Result<String> {
        val answer = try {
            Result.success(source.token())
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (error: Exception) {
            Result.failure(error as? TwinException ?: TwinException("INTERNAL", "No token.", error))
        }
        synchronized(this) { asking = null }
        return answer
    }
}
