package io.digitaltwin.realtime

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The resume rules of docs/sdk.md, as those of the TypeScript SDK, in virtual time. */
@OptIn(ExperimentalCoroutinesApi::class)
class RealtimeTest {
    private val stream = "member:demo-ana"
    private val sockets = FakeSockets()
    private val calls = SubscribeOptions(listOf("call-notifications"), members = listOf("demo-ana"))

    /** As if all chance fell on this share of a pause. */
    private class Share(private val of: Double) : Random() {
        override fun nextBits(bitCount: Int): Int = 0
        override fun nextDouble(): Double = of
    }

    private fun TestScope.connect(
        token: TokenSource = TokenSource { "T" },
        share: Double = 0.5,
        maxAttempts: Int = Int.MAX_VALUE,
        queueMax: Int = 3,
    ): Realtime {
        val options = RealtimeOptions("https://twin.example.org", token, maxAttempts, queueMax, sockets)
        return Realtime(options, backgroundScope, Share(share)).also { runCurrent() }
    }

    @Test
    fun `the token goes in the first message, then what holds by now`() = runTest {
        val realtime = connect()
        val subscription = realtime.subscribe(
            calls.copy(filters = Filter.Prefix(FilterField.TYPE, "call."), includeDocument = true),
        )
        realtime.subscribe(calls).unsubscribe()
        realtime.join("demo-ana")
        realtime.join("demo-ben")
        realtime.leave("demo-ben")
        assertEquals("wss://twin.example.org/v1/ws", sockets.last.url)
        sockets.last.welcome()
        runCurrent()
        val expected = listOf(
            """{"type":"hello","token":"T"}""",
            """{"type":"presence","member":"demo-ana","action":"join"}""",
            """{"type":"subscribe","id":"s1","topics":["call-notifications"],"filters":{"and":[
               {"field":"member","eq":"demo-ana"},{"field":"type","prefix":"call."}]},
               "include":"document"}""",
        )
        assertEquals(expected.map { Json.parseToJsonElement(it) }, sockets.last.heard.toList<Any>())
        sockets.last.say(subscribedText())
        runCurrent()
        subscription.ready()
        assertEquals(RealtimeState.Connected("1.1"), realtime.state.value)
    }

    @Test
    fun `after a drop each stream goes on from the last place, and nothing is told twice`() = runTest {
        val realtime = connect()
        val subscription = realtime.subscribe(calls)
        val told = async { subscription.events.take(3).toList().map { it.id } }
        sockets.last.welcome()
        sockets.last.say(subscribedText(), eventText(11), eventText(15))
        runCurrent()
        sockets.last.drop()
        advanceTimeBy(600)
        sockets.last.welcome()
        runCurrent()
        val since = sockets.last.said("subscribe").single()["since"]
        assertEquals(JsonObject(mapOf(stream to Place("one", 15).toJson())), since)
        // The answer names the newest offset: what follows it still has to be told.
        sockets.last.say(subscribedText(30), eventText(15), eventText(20))
        runCurrent()
        assertEquals(listOf("e11", "e15", "e20"), told.await())
        assertEquals(mapOf(stream to Place("one", 20)), subscription.places)
        subscription.acknowledge()
        assertEquals(JsonPrimitive(20), sockets.last.said("ack").single()["offset"])
    }

    @Test
    fun `what cannot be told whole is a gap, and another epoch may begin lower`() = runTest {
        val realtime = connect()
        val since = mapOf(stream to Place("zero", 50))
        val subscription = realtime.subscribe(calls.copy(since = since))
        sockets.last.welcome()
        val more = """"recovered":false,"reason":"epoch_changed","changes":"mcp://twins/changes/c7""""
        sockets.last.say(subscribedText(10, more), eventText(11))
        runCurrent()
        assertEquals(listOf(Gap(stream, "epoch_changed", "mcp://twins/changes/c7")), subscription.gaps.replayCache)
        assertEquals(subscription.gaps.replayCache, realtime.gaps.replayCache)
        val told = async { subscription.events.take(1).toList() }
        runCurrent()
        assertEquals("e11", told.await().single().id)
    }

    @Test
    fun `a place moves once its collector comes back, and waits while nobody collects`() = runTest {
        val realtime = connect()
        val subscription = realtime.subscribe(calls)
        sockets.last.welcome()
        sockets.last.say(subscribedText(), eventText(11), eventText(12))
        runCurrent()
        val place = { subscription.places.getValue(stream).offset }
        assertEquals(10, place())
        val handled = CompletableDeferred<Unit>()
        backgroundScope.launch { subscription.events.collect { handled.await() } }
        runCurrent()
        assertEquals(10, place())
        handled.complete(Unit)
        runCurrent()
        assertEquals(12, place())
    }

    @Test
    fun `a collector that is too slow loses what waits, and is told so`() = runTest {
        val realtime = connect(queueMax = 2)
        val subscription = realtime.subscribe(calls)
        sockets.last.welcome()
        sockets.last.say(subscribedText(), eventText(11), eventText(12), eventText(13))
        runCurrent()
        assertEquals(listOf(Gap(stream, "queue_full")), subscription.gaps.replayCache)
    }

    @Test
    fun `pauses double from 1 s to 30 s, and begin anew after a connection that held`() = runTest {
        val realtime = connect(share = 0.999)
        for (most in listOf(1_000L, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000)) {
            sockets.last.drop()
            runCurrent()
            assertEquals(most, assertIs<RealtimeState.Waiting>(realtime.state.value).retryInMs)
            val opened = sockets.all.size
            advanceTimeBy(most * 99 / 100)
            assertEquals(opened, sockets.all.size)
            advanceTimeBy(most / 50)
            assertEquals(opened + 1, sockets.all.size)
        }
        sockets.last.welcome()
        advanceTimeBy(5_100)
        sockets.last.drop()
        runCurrent()
        assertEquals(1_000, assertIs<RealtimeState.Waiting>(realtime.state.value).retryInMs)
        realtime.retryNow()
        runCurrent()
        assertEquals(RealtimeState.Connecting, realtime.state.value)
    }

    @Test
    fun `what is refused for good ends it, and so do maxAttempts`() = runTest {
        for ((code, word) in mapOf(4400 to "INVALID_REQUEST", 4403 to "INSUFFICIENT_SCOPE")) {
            val realtime = connect()
            val subscription = realtime.subscribe(calls)
            sockets.last.welcome()
            sockets.last.drop(code)
            runCurrent()
            assertEquals(word, assertIs<RealtimeState.Failed>(realtime.state.value).error.code)
            assertEquals(word, subscription.ended()?.code)
        }
        val realtime = connect(maxAttempts = 1)
        sockets.last.drop()
        runCurrent()
        assertIs<RealtimeState.Failed>(realtime.state.value)
        assertEquals("SHUTTING_DOWN", realtime.subscribe(calls).ended()?.code)
    }

    @Test
    fun `a refresh that is under way when the connection drops serves the next one`() = runTest {
        val asked = mutableListOf<CompletableDeferred<String>>()
        connect({ CompletableDeferred<String>().also { asked += it }.await() })
        asked[0].complete("T1")
        runCurrent()
        sockets.last.welcome()
        sockets.last.say("""{"type":"token_expiring","at":"2026-11-30T12:00:00Z"}""")
        runCurrent()
        sockets.last.drop()
        advanceTimeBy(30_000)
        assertEquals(2, asked.size)
        assertEquals(1, sockets.all.size)
        asked[1].complete("T2")
        runCurrent()
        sockets.last.welcome()
        runCurrent()
        assertEquals(JsonPrimitive("T2"), sockets.last.said("hello").single()["token"])
        assertEquals(emptyList(), sockets.all.flatMap { it.said("refresh") })
    }

    @Test
    fun `a token is taken in place, and one that is refused twice is the end`() = runTest {
        var count = 0
        val realtime = connect({ "T${++count}" })
        sockets.last.welcome()
        sockets.last.say("""{"type":"token_expiring","at":"2026-11-30T12:00:00Z"}""")
        runCurrent()
        assertEquals(JsonPrimitive("T2"), sockets.last.said("refresh").single()["token"])
        assertIs<RealtimeState.Connected>(realtime.state.value)
        realtime.close()
        val fixed = connect()
        for (time in 1..2) {
            sockets.last.drop(4401)
            advanceTimeBy(3_000)
        }
        assertEquals("UNAUTHENTICATED", assertIs<RealtimeState.Failed>(fixed.state.value).error.code)
    }

    @Test
    fun `a source that fails is asked again, and nothing opens after the end`() = runTest {
        var answers = ArrayDeque(listOf<String?>(null, "T"))
        val realtime = connect({ answers.removeFirst() ?: error("offline") })
        assertIs<RealtimeState.Waiting>(realtime.state.value)
        assertEquals(0, sockets.all.size)
        advanceTimeBy(1_000)
        assertEquals(1, sockets.all.size)
        realtime.close()
        advanceTimeBy(60_000)
        assertEquals(1, sockets.all.size)
        assertTrue(sockets.last.isClosed)
        assertEquals(RealtimeState.Closed, realtime.state.value)
    }

    @Test
    fun `silence of two heartbeats is an end, and the client never is silent itself`() = runTest {
        val realtime = connect()
        sockets.last.welcome(10_000)
        advanceTimeBy(7_600)
        assertEquals(1, sockets.last.said("ping").size)
        sockets.last.say("""{"type":"pong"}""")
        advanceTimeBy(19_000)
        assertIs<RealtimeState.Connected>(realtime.state.value)
        advanceTimeBy(1_500)
        assertTrue(sockets.all.first().isClosed)
    }

    @Test
    fun `what is refused or revoked ends one subscription, what may come later is said again`() = runTest {
        val realtime = connect()
        val (first, second, third) = List(3) { realtime.subscribe(calls) }
        sockets.last.welcome()
        sockets.last.say(
            """{"type":"error","code":"NOT_FOUND","message":"not for you","id":"s1"}""",
            """{"type":"unsubscribed","id":"s2","reason":"revoked"}""",
            """{"type":"error","code":"ACCESS_UNAVAILABLE","message":"later","id":"s3"}""",
            """{"type":"error","code":"RATE_LIMITED","message":"slower"}""",
        )
        runCurrent()
        assertEquals("not for you", first.ended()?.message)
        assertFailsWith<TwinException> { first.ready() }
        assertFailsWith<TwinException> { second.events.toList() }
        assertEquals(listOf("RATE_LIMITED"), realtime.errors.replayCache.map { it.code })
        advanceTimeBy(5_100)
        assertEquals(4, sockets.last.said("subscribe").size)
        third.unsubscribe()
        runCurrent()
        assertNull(third.ended())
        assertEquals(emptyList(), third.events.toList())
    }

    @Test
    fun `who is there is known after each change, and anew after each connection`() = runTest {
        val subscription = connect().subscribe(SubscribeOptions(listOf("presence")))
        sockets.last.welcome()
        val of = """"type":"presence","subscription":"s1","stream":"$stream""""
        sockets.last.say(
            """{$of,"event":"state","users":[{"id":"ana"},{"id":"eve","info":1}]}""",
            """{$of,"event":"member_added","users":[{"id":"ben"}]}""",
            """{$of,"event":"member_removed","users":[{"id":"ana"}]}""",
        )
        runCurrent()
        val present = { subscription.present.value.getValue(stream) }
        assertEquals(listOf(PresentUser("eve", JsonPrimitive(1)), PresentUser("ben")), present())
        sockets.last.say("""{$of,"event":"state","users":[]}""")
        runCurrent()
        assertEquals(emptyList(), present())
    }

    @Test
    fun `what is no message, or of a later version, changes nothing`() = runTest {
        val realtime = connect()
        realtime.subscribe(calls)
        sockets.last.welcome()
        sockets.last.say("", "{", "[]", "null", "7", """{"type":7}""", """{"type":"later"}""")
        sockets.last.say("""{"type":"call.join"}""", """{"type":"subscribed","id":"s1"}""")
        sockets.last.say(eventText(1, subscription = "nobody"))
        runCurrent()
        assertIs<RealtimeState.Connected>(realtime.state.value)
    }

    @Test
    fun `what would end the whole connection is refused for the one call alone`() = runTest {
        val realtime = connect()
        sockets.last.welcome()
        val wrong = listOf(
            SubscribeOptions(emptyList()),
            calls.copy(members = listOf("../x")),
            calls.copy(sessions = listOf("x".repeat(65))),
            calls.copy(members = List(101) { "m$it" }),
        )
        for (options in wrong) assertFailsWith<IllegalArgumentException> { realtime.subscribe(options) }
        assertFailsWith<IllegalArgumentException> { realtime.join("a b") }
        runCurrent()
        assertEquals(1, sockets.last.heard.size)
    }
}
