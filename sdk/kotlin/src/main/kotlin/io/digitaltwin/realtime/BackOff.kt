package io.digitaltwin.realtime

import kotlin.random.Random

/** 1 s doubling to 30 s, all of each pause left to chance: who was cut off together comes back apart. */
internal class BackOff(private val random: Random) {
    var nextMs: Long = MIN_MS
        private set

    fun pauseMs(): Long {
        val pause = (random.nextDouble() * nextMs).toLong()
        nextMs = minOf(nextMs * 2, MAX_MS)
        return pause
    }

    fun reset() {
        nextMs = MIN_MS
    }

    private companion object {
        const val MIN_MS = 1_000L
        const val MAX_MS = 30_000L
    }
}
