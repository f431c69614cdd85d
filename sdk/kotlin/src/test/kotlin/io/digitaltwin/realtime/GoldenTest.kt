package io.digitaltwin.realtime

import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import java.io.File
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

/** The messages of `schemas/realtime/golden.json`, by which any SDK is tested. */
@OptIn(ExperimentalCoroutinesApi::class)
class GoldenTest {
    private val golden =
        Json.parseToJsonElement(File("../../schemas/realtime/golden.json").readText()) as JsonObject

    private fun messages(side: String): List<JsonObject> =
        (golden.getValue(side) as JsonArray).map { (it as JsonObject).getValue("message") as JsonObject }

    private fun client(type: String): List<JsonObject> =
        messages("client").filter { it["type"] == JsonPrimitive(type) }

    @Test
    fun `every message of the server is understood`() {
        val all = messages("server")
        assertTrue(all.size >= 15)
        for (message in all) {
            val read = assertNotNull(serverMessageOf(message.toString()), message.toString())
            if (read is ServerMessage.Event) {
                val event = read.event
                val said = listOf(event.id, event.type, event.topic, event.stream, event.time)
                val names = listOf("id", "type", "topic", "stream", "time")
                assertEquals(names.map { message[it] }, said.map<String, Any?> { JsonPrimitive(it) })
                assertEquals(message["offset"], JsonPrimitive(event.place.offset))
                assertEquals(message["data"], event.data)
                assertEquals(message["replayed"] != null, event.replayed)
            }
        }
        val kinds = all.mapNotNull { serverMessageOf(it.toString()) }
        val events = all.filter { '.' in (it.getValue("type") as JsonPrimitive).content }
        assertEquals(events.size, kinds.count { it is ServerMessage.Event })
        assertTrue(events.size >= 3)
        assertTrue(kinds.any { it is ServerMessage.Event && it.event.breakGlass != null })
        val gap = assertIs<ServerMessage.Gap>(kinds.first { it is ServerMessage.Gap })
        assertTrue(gap.start.changes.orEmpty().startsWith("mcp://twins/changes/"))
    }

    @Test
    fun `what the client says is what the gateway takes, to the letter`() = runTest {
        val sockets = FakeSockets()
        val options = RealtimeOptions("https://t.example", { "eyJhbGciOi.JFUzI1NiJ9.c2ln" }, sockets = sockets)
        val realtime = Realtime(options, backgroundScope, Random(1))
        realtime.subscribe(SubscribeOptions(listOf("twins", "rte-completion")))
        val filters = Filter.Or(
            listOf(
                Filter.Prefix(FilterField.TYPE, "call."),
                Filter.Not(Filter.Eq(FilterField.ACCOUNT, "a-1")),
            ),
        )
        val since = mapOf(
            "member:demo-ana" to Place("c5n3k7q2w4m6x3z5b7d2f4h6j3", 1796076141161895),
            "member:demo-ben" to Place("q2w4m6x3z5b7d2f4h6j3c5n3k7", 0, "AWNy"),
        )
        val two = SubscribeOptions(
            listOf("twins", "call-notifications"),
            members = listOf("demo-ana", "demo-ben"),
            filters = filters,
            since = since,
            includeDocument = true,
        )
        val second = realtime.subscribe(two)
        realtime.join("demo-ana")
        runCurrent()
        sockets.last.welcome()
        runCurrent()
        val said = { type: String -> sockets.last.said(type).toList<Any>() }
        assertEquals(client("hello"), said("hello"))
        assertEquals(client("subscribe").take(2), said("subscribe"))
        assertEquals(client("presence"), said("presence"))
        sockets.last.say("""{"type":"token_expiring","at":"2026-11-30T23:02:20.000Z"}""")
        runCurrent()
        assertEquals(client("refresh"), said("refresh"))
        second.acknowledge()
        val acks = sockets.last.said("ack")
        assertEquals(client("ack").single().keys, acks.first().keys)
        assertEquals(since.size, acks.size)
        realtime.subscribe(two).unsubscribe()
        assertEquals(client("unsubscribe").single().keys, sockets.last.said("unsubscribe").single().keys)
    }
}
