package io.digitaltwin.realtime

import kotlinx.coroutines.channels.Channel

/** Events that wait for one collector. Bounded: what does not fit is a gap, and said. */
internal class EventQueue(private val max: Int) {
    class Waiting(val event: RealtimeEvent, val before: Place?)

    private val waiting = ArrayDeque<Waiting>()
    /** Given to the collector, which has not come back yet. */
    private var inHand: Waiting? = null
    private var isOver = false
    private val wake = Channel<Unit>(Channel.CONFLATED)

    /** Answers the streams of what was given up. @param before the place of its stream before it */
    @Synchronized
    fun push(event: RealtimeEvent, before: Place?): Set<String> {
        if (waiting.size >= max) {
            val lost = waiting.map { it.event.stream }.toSet() + event.stream
            waiting.clear()
            return lost
        }
        waiting.addLast(Waiting(event, before))
        wake.trySend(Unit)
        return emptySet()
    }

    /** What waits is still given. */
    @Synchronized
    fun end() {
        isOver = true
        wake.trySend(Unit)
    }

    /** The first of the stream that is not handled yet. */
    @Synchronized
    fun unhandled(stream: String): Waiting? =
        inHand?.takeIf { it.event.stream == stream } ?: waiting.firstOrNull { it.event.stream == stream }

    /** `null` at the end. */
    suspend fun next(): RealtimeEvent? {
        while (true) {
            synchronized(this) {
                inHand = waiting.removeFirstOrNull()
                inHand?.let { return it.event }
                if (isOver) return null
            }
            wake.receive()
        }
    }
}
