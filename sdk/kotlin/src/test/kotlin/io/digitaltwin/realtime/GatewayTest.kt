package io.digitaltwin.realtime

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.JsonPrimitive
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.BeforeEach
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Against a real gateway with the demo's members, where the environment names one. */
class GatewayTest {
    private val url = System.getenv("TWIN_URL").orEmpty()
    private val ana = System.getenv("TWIN_TOKEN").orEmpty()
    private val backend = System.getenv("TWIN_BACKEND_TOKEN").orEmpty()
    private val stream = "member:demo-ana"
    private val calls = SubscribeOptions(listOf("call-notifications"), members = listOf("demo-ana"))
    private val http = OkHttpClient()

    @BeforeEach
    fun isThere(): Unit = assumeTrue(url.isNotEmpty(), "TWIN_URL names no gateway")

    private fun publish(id: String, type: String = "call.join") {
        val body = """{"type":"$type","member":"demo-ana","id":"$id","data":{"callId":"k"}}"""
        val request = Request.Builder()
            .url("$url/v1/events")
            .header("authorization", "Bearer $backend")
            .post(body.toRequestBody("application/json".toMediaType()))
            .build()
        http.newCall(request).execute().use { assertEquals(201, it.code, it.body?.string()) }
    }

    /** Sockets that can be cut as a network cuts them. */
    private class Cuttable : Sockets {
        private val inner = OkHttpSockets()
        private var events: SocketEvents? = null
        private var socket: Socket? = null

        override fun open(url: String, protocol: String, events: SocketEvents): Socket {
            this.events = events
            return inner.open(url, protocol, events).also { socket = it }
        }

        fun cut() {
            events?.closed(LOST)
            socket?.close()
        }
    }

    private fun running(test: suspend kotlinx.coroutines.CoroutineScope.() -> Unit): Unit =
        runBlocking(Dispatchers.Default) { withTimeout(30_000) { test() } }

    @Test
    fun `a device that was cut off gets what was missed, once, and a new one goes on from its places`() = running {
        var online = CompletableDeferred(Unit)
        val sockets = Cuttable()
        val token = TokenSource { online.await(); ana }
        Realtime(RealtimeOptions(url, token, sockets = sockets)).use { realtime ->
            val subscription = realtime.subscribe(calls)
            val told = Channel<RealtimeEvent>(Channel.UNLIMITED)
            val listening = launch { subscription.events.collect(told::send) }
            subscription.ready()
            publish("k-1")
            val first = told.receive()
            assertEquals("k-1" to false, first.id to first.replayed)
            online = CompletableDeferred()
            sockets.cut()
            realtime.state.first { it !is RealtimeState.Connected }
            publish("k-2")
            publish("k-3", "call.ended")
            online.complete(Unit)
            realtime.retryNow()
            val missed = List(2) { told.receive() }
            assertEquals(listOf("k-2" to true, "k-3" to true), missed.map { it.id to it.replayed })
            assertEquals(JsonPrimitive("k"), missed.last().data?.get("callId"))
            assertEquals(emptyList(), realtime.gaps.replayCache)
            listening.cancel()
            publish("k-4")
            Realtime(RealtimeOptions(url, { ana })).use { next ->
                val later = next.subscribe(calls.copy(since = mapOf(stream to missed.last().place)))
                assertEquals("k-4", later.events.first().id)
            }
        }
    }

    @Test
    fun `of another epoch nothing is replayed, and the gap names where to read on`() = running {
        Realtime(RealtimeOptions(url, { ana })).use { realtime ->
            val since = mapOf(stream to Place("other", 5))
            realtime.subscribe(calls.copy(since = since))
            val gap = realtime.gaps.first()
            assertEquals("epoch_changed", gap.reason)
            assertTrue(gap.changes.orEmpty().startsWith("mcp://twins/changes/"))
        }
    }

    @Test
    fun `who may not read is refused, and who is there is seen`() = running {
        Realtime(RealtimeOptions(url, { ana })).use { realtime ->
            val other = realtime.subscribe(calls.copy(members = listOf("demo-dov")))
            assertEquals("NOT_FOUND", other.ended()?.code)
            val watching = realtime.subscribe(SubscribeOptions(listOf("presence"), listOf("demo-ana")))
            watching.ready()
            realtime.join("demo-ana")
            assertEquals(1, watching.present.first { it[stream].orEmpty().isNotEmpty() }.getValue(stream).size)
        }
    }

    @Test
    fun `a token that is none is refused, and asked for once more`() = running {
        Realtime(RealtimeOptions(url, { "none" })).use { realtime ->
            val failed = realtime.state.first { it is RealtimeState.Failed }
            assertEquals("UNAUTHENTICATED", (failed as RealtimeState.Failed).error.code)
        }
    }

}
