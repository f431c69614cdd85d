package io.digitaltwin.realtime

import kotlinx.serialization.json.Json
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class FramesTest {
    @Test
    fun `an event is read with all that it may carry`() {
        val text = """{"type":"twins.resource-updated","id":"e1","topic":"twins","subscription":"s1",
            "stream":"member:demo-ana","epoch":"one","offset":9007199254740991,"time":"2026-11-30",
            "uri":"mcp://twins/member/demo-ana/care","position":"p","data":{"etag":"x"},
            "document":{"a":[1]},"replayed":true,"conflated":3,"later":{}}"""
        val event = (serverMessageOf(text) as ServerMessage.Event).event
        assertEquals(Place("one", 9007199254740991), event.place)
        assertEquals(Json.parseToJsonElement("""{"a":[1]}"""), event.document)
        assertEquals(listOf(true, 3, false), listOf(event.replayed, event.conflated, event.documentOmitted))
    }

    @Test
    fun `what lacks what it must have is nothing`() {
        val texts = listOf(
            """{"type":"call.join","id":"e1"}""",
            """{"type":"welcome","heartbeatMs":"soon","connection":"1"}""",
            """{"type":"gap","id":"s1","stream":"member:a","epoch":"one","offset":1}""",
            """{"type":"presence","subscription":"s1","stream":"member:a","event":"state","users":[1]}""",
            "\u0000",
        )
        for (text in texts) assertNull(serverMessageOf(text), text)
    }

    @Test
    fun `a filter is said as the gateway reads it`() {
        val member = Filter.In(FilterField.MEMBER, listOf("a", "b"))
        val filter = Filter.Or(listOf(Filter.Not(member), Filter.Eq(FilterField.TYPE, "call.join")))
        val expected = """{"or":[{"not":{"field":"member","in":["a","b"]}},{"field":"type","eq":"call.join"}]}"""
        assertEquals(Json.parseToJsonElement(expected), filter.toJson())
    }
}
