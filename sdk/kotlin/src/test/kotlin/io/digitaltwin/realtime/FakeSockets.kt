package io.digitaltwin.realtime

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/** One socket of the client, played from the other side. */
class FakeSocket(val url: String, val events: SocketEvents) : Socket {
    val heard = mutableListOf<JsonObject>()
    var isClosed = false

    override fun send(text: String): Boolean {
        if (isClosed) return false
        heard += Json.parseToJsonElement(text) as JsonObject
        return true
    }

    override fun close() {
        isClosed = true
    }

    fun welcome(heartbeatMs: Int = 25_000) {
        events.opened()
        say(
            """{"type":"welcome","protocol":1,"connection":"1.1","heartbeatMs":$heartbeatMs,
               "tokenExpiresAt":"2026-11-30T12:00:00Z"}""",
        )
    }

    fun say(vararg messages: String) {
        for (message in messages) events.text(message)
    }

    fun drop(code: Int = 1006): Unit = events.closed(code)

    fun said(type: String): List<JsonObject> = heard.filter { it["type"] == JsonPrimitive(type) }
}

class FakeSockets : Sockets {
    val all = mutableListOf<FakeSocket>()
    val last: FakeSocket get() = all.last()

    override fun open(url: String, protocol: String, events: SocketEvents): Socket =
        FakeSocket(url, events).also { all += it }
}

fun eventText(offset: Int, epoch: String = "one", subscription: String = "s1"): String =
    """{"type":"call.join","id":"e$offset","topic":"call-notifications","subscription":
       "$subscription","stream":"member:demo-ana","epoch":"$epoch","offset":$offset,
       "time":"2026-11-30T10:00:00Z"}"""

fun subscribedText(offset: Int = 10, more: String = "\"recovered\":true", epoch: String = "one"): String =
    """{"type":"subscribed","id":"s1","streams":[{"stream":"member:demo-ana","epoch":"$epoch",
       "offset":$offset,$more}]}"""
