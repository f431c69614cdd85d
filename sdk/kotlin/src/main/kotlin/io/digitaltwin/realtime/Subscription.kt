package io.digitaltwin.realtime

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.update
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

public data class SubscribeOptions(
    public val topics: List<String>,
    /** Without one, and without a session, the member who the caller is. */
    public val members: List<String> = emptyList(),
    public val sessions: List<String> = emptyList(),
    /** Besides those. */
    public val filters: Filter? = null,
    /** Where to go on from, by stream: `places` of an earlier subscription. */
    public val since: Map<String, Place> = emptyMap(),
    /** Each event brings the document it is about. */
    public val includeDocument: Boolean = false,
)

/** Events may be missing: read again what is shown. */
public data class Gap(
    public val stream: String,
    /** The server's, or `queue_full` where a collector was too slow. */
    public val reason: String,
    /** `mcp://twins/changes/{cursor}`, which says what was missed, where the server names it. */
    public val changes: String? = null,
)

/** Lives across connections, until it ends. */
public class Subscription internal constructor(
    public val id: String,
    private val options: SubscribeOptions,
    private val queueMax: Int,
    private val client: Client,
) {
    internal interface Client {
        fun acknowledge(stream: String, place: Place)
        fun unsubscribe(subscription: Subscription)
        fun gap(gap: Gap)
    }

    private val lock = Any()
    private val seen = LinkedHashMap(options.since)
    private val queues = mutableSetOf<EventQueue>()
    /** What comes before anybody collects waits for the first who does. */
    private var first: EventQueue? = EventQueue(queueMax).also(queues::add)
    private val whenReady = CompletableDeferred<Unit>()
    private val whenEnded = CompletableDeferred<TwinException?>()
    private val mutableGaps =
        MutableSharedFlow<Gap>(replay = 16, onBufferOverflow = BufferOverflow.DROP_OLDEST)
    private val mutablePresent = MutableStateFlow<Map<String, List<PresentUser>>>(emptyMap())

    /** Of each stream, also those that nobody collected in time (the last sixteen). */
    public val gaps: SharedFlow<Gap> = mutableGaps.asSharedFlow()
    /** Who is there, by stream (`member:{id}`). */
    public val present: StateFlow<Map<String, List<PresentUser>>> = mutablePresent.asStateFlow()

    /**
     * Every event in order. One counts as handled once its collector comes back for the next. Ends
     * with the subscription. @throws TwinException where the server ended it
     */
    public val events: Flow<RealtimeEvent> = flow {
        val queue = synchronized(lock) {
            (first ?: EventQueue(queueMax).also(queues::add)).also { first = null }
        }
        try {
            while (true) {
                val event = queue.next() ?: break
                emit(event)
            }
        } finally {
            synchronized(lock) { queues -= queue }
        }
        ended()?.let { throw it }
    }

    /** By stream, up to where events were handled: keep it to go on after a restart of the app. */
    public val places: Map<String, Place>
        get() = synchronized(lock) {
            buildMap {
                for ((stream, place) in seen) handled(stream, place)?.let { put(stream, it) }
            }
        }

    /** The server has taken it for the first time. @throws TwinException where it refused */
    public suspend fun ready(): Unit = whenReady.await()

    /** Waits until it is over; answers the error where that was not our wish. */
    public suspend fun ended(): TwinException? = whenEnded.await()

    /** Tells the server what was handled. */
    public fun acknowledge() {
        for ((stream, place) in places) client.acknowledge(stream, place)
    }

    public fun unsubscribe() {
        client.unsubscribe(this)
        end(null)
    }

    /** What is said on each connection anew. */
    internal fun message(): JsonObject = JsonObject(
        buildMap {
            put("type", JsonPrimitive("subscribe"))
            put("id", JsonPrimitive(id))
            put("topics", JsonArray(options.topics.map(::JsonPrimitive)))
            filter()?.let { put("filters", it.toJson()) }
            val places = synchronized(lock) { seen.mapValues { it.value.toJson() } }
            if (places.isNotEmpty()) put("since", JsonObject(places))
            if (options.includeDocument) put("include", JsonPrimitive("document"))
        },
    )

    internal fun subscribed(streams: List<Start>) {
        for (start in streams) {
            // Where everything follows, the place is moved by what follows, and not before.
            if (!start.recovered) gap(start)
            else synchronized(lock) { seen.getOrPut(start.stream) { start.place } }
        }
        whenReady.complete(Unit)
    }

    internal fun gap(start: Start) {
        synchronized(lock) { seen[start.stream] = start.place }
        tell(Gap(start.stream, start.reason ?: "unknown", start.changes))
    }

    internal fun event(event: RealtimeEvent) {
        val lost = synchronized(lock) {
            val before = seen[event.stream]
            val known = before?.epoch == event.place.epoch && event.place.offset <= before.offset
            if (known) return
            seen[event.stream] = event.place.copy(position = event.position ?: before?.position)
            queues.flatMap { it.push(event, before) }.toSet()
        }
        for (stream in lost) tell(Gap(stream, "queue_full"))
    }

    internal fun presence(message: ServerMessage.Presence): Unit = mutablePresent.update { all ->
        val before = if (message.event == "state") emptyList() else all[message.stream].orEmpty()
        val ids = message.users.map { it.id }.toSet()
        val others = before.filter { it.id !in ids }
        val now = if (message.event == "member_removed") others else others + message.users
        all + (message.stream to now)
    }

    internal fun end(error: TwinException?) {
        if (error == null) whenReady.complete(Unit) else whenReady.completeExceptionally(error)
        whenEnded.complete(error)
        synchronized(lock) { for (queue in queues) queue.end() }
    }

    /** The collector that is furthest behind decides; `null`: it has not handled the first yet. */
    private fun handled(stream: String, seen: Place): Place? {
        var handled = seen
        for (queue in queues) {
            val waiting = queue.unhandled(stream) ?: continue
            val before = waiting.before ?: return null
            if (handled.epoch != before.epoch || before.offset < handled.offset) handled = before
        }
        return handled
    }

    private fun tell(gap: Gap) {
        mutableGaps.tryEmit(gap)
        client.gap(gap)
    }

    private fun filter(): Filter? {
        val parts = listOfNotNull(
            named(FilterField.MEMBER, options.members),
            named(FilterField.SESSION, options.sessions),
            options.filters,
        )
        return if (parts.size > 1) Filter.And(parts) else parts.firstOrNull()
    }

    private fun named(field: FilterField, ids: List<String>): Filter? = when (ids.size) {
        0 -> null
        1 -> Filter.Eq(field, ids.single())
        else -> Filter.In(field, ids)
    }
}
