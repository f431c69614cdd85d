package io.digitaltwin.realtime

import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener

/** One WebSocket, whatever library stands behind it. */
public interface Socket {
    /** `false`: it went nowhere. */
    public fun send(text: String): Boolean
    public fun close()
}

/** What a socket tells, on any thread. */
public interface SocketEvents {
    public fun opened()
    public fun text(message: String)
    /** At most once. @param code of the close frame, or 1006 (RFC 6455 §7.1.5) */
    public fun closed(code: Int)
}

public fun interface Sockets {
    public fun open(url: String, protocol: String, events: SocketEvents): Socket
}

internal const val LOST = 1006

/** Sockets of OkHttp, which the JVM and Android both have. */
public class OkHttpSockets(private val client: OkHttpClient = OkHttpClient()) : Sockets {
    override fun open(url: String, protocol: String, events: SocketEvents): Socket {
        val request = Request.Builder().url(url).header("Sec-WebSocket-Protocol", protocol).build()
        val socket = client.newWebSocket(request, Listener(events))
        return object : Socket {
            override fun send(text: String): Boolean = socket.send(text)
            override fun close() {
                // A peer that is gone answers no close frame: nothing waits for it.
                if (!socket.close(NORMAL, null)) socket.cancel()
            }
        }
    }

    private class Listener(private val events: SocketEvents) : WebSocketListener() {
        override fun onOpen(webSocket: WebSocket, response: Response): Unit = events.opened()
        override fun onMessage(webSocket: WebSocket, text: String): Unit = events.text(text)
        override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
            webSocket.close(NORMAL, null)
            events.closed(code)
        }
        override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?): Unit =
            events.closed(LOST)
    }
}

private const val NORMAL = 1000
