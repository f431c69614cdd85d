package io.digitaltwin.realtime

import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/** How far a connection came before it ended. */
internal enum class Reached { NOTHING, WELCOME }

/** One socket, from its opening to its end. */
internal class Connection(
    sockets: Sockets,
    url: String,
    private val token: String,
) {
    private sealed interface Signal {
        data object Opened : Signal
        data class Text(val message: String) : Signal
        data class Closed(val code: Int) : Signal
    }

    private val signals = Channel<Signal>(Channel.UNLIMITED)
    private val socket = sockets.open(
        url,
        PROTOCOL,
        object : SocketEvents {
            override fun opened() = tell(Signal.Opened)
            override fun text(message: String) = tell(Signal.Text(message))
            override fun closed(code: Int) = tell(Signal.Closed(code))
            private fun tell(signal: Signal) {
                signals.trySend(signal)
            }
        },
    )

    fun send(message: JsonObject): Boolean = socket.send(message.toString())

    fun close() {
        signals.trySend(Signal.Closed(NORMAL))
        socket.close()
    }

    /** Until it ends; answers the close code. A peer that is gone is found by its silence. */
    suspend fun run(hear: suspend (ServerMessage) -> Unit): Int = coroutineScope {
        var silentMs = WELCOME_MAX_MS
        var pinging: Job? = null
        try {
            var code: Int? = null
            while (code == null) {
                when (val signal = withTimeoutOrNull(silentMs) { signals.receive() }) {
                    null -> code = LOST
                    is Signal.Closed -> code = signal.code
                    // Not in the address, which stands in logs.
                    is Signal.Opened -> send(message("hello", "token" to token))
                    is Signal.Text -> {
                        val message = serverMessageOf(signal.message) ?: continue
                        if (message is ServerMessage.Welcome) {
                            if (pinging != null) continue
                            silentMs = 2 * message.heartbeatMs
                            pinging = launch { stayHeard(message.heartbeatMs * 3 / 4) }
                        }
                        hear(message)
                    }
                }
            }
            code
        } finally {
            pinging?.cancel()
            socket.close()
        }
    }

    private suspend fun stayHeard(everyMs: Long) {
        while (true) {
            delay(everyMs)
            send(message("ping"))
        }
    }

    private companion object {
        const val PROTOCOL = "digital-twin.v1"
        const val NORMAL = 1000
        /** A gateway that has much to do lets clients wait before `welcome`: longer than it does. */
        const val WELCOME_MAX_MS = 30_000L
    }
}

internal fun message(type: String, vararg fields: Pair<String, String>): JsonObject =
    JsonObject((listOf("type" to type) + fields).associate { (key, value) -> key to JsonPrimitive(value) })
