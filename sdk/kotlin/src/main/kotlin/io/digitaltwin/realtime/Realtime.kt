package io.digitaltwin.realtime

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlin.random.Random

public data class RealtimeOptions(
    /** The server's origin, e.g. `https://twin.example.org`. */
    public val url: String,
    public val token: TokenSource,
    /** Attempts to connect that fail one after the other; endless by default. */
    public val maxAttempts: Int = Int.MAX_VALUE,
    /** Events that wait for a collector; past it they are given up, and that is a gap. */
    public val queueMax: Int = 1_000,
    public val sockets: Sockets = OkHttpSockets(),
)

public sealed interface RealtimeState {
    public data object Connecting : RealtimeState
    public data class Connected(public val connection: String) : RealtimeState
    public data class Waiting(
        /** Failed one after the other. */
        public val attempts: Int,
        public val retryInMs: Long,
        public val error: TwinException,
    ) : RealtimeState
    /** For good. */
    public data class Failed(public val error: TwinException) : RealtimeState
    public data object Closed : RealtimeState
}

/** Connects at once, and again whenever the connection ends, until [close]. */
public class Realtime internal constructor(
    private val options: RealtimeOptions,
    parent: CoroutineScope,
    random: Random,
) : AutoCloseable {
    public constructor(options: RealtimeOptions) :
        this(options, CoroutineScope(Dispatchers.Default), Random.Default)

    private val scope =
        CoroutineScope(parent.coroutineContext + SupervisorJob(parent.coroutineContext.job))
    private val tokens = Tokens(options.token, scope)
    private val backOff = BackOff(random)
    private val lock = Any()
    private val subscriptions = LinkedHashMap<String, Subscription>()
    private val joined = LinkedHashSet<String>()
    private val wake = Channel<Unit>(Channel.CONFLATED)
    private val mutableState = MutableStateFlow<RealtimeState>(RealtimeState.Connecting)
    private val mutableErrors =
        MutableSharedFlow<TwinException>(replay = 16, onBufferOverflow = BufferOverflow.DROP_OLDEST)
    private val mutableGaps =
        MutableSharedFlow<Gap>(replay = 16, onBufferOverflow = BufferOverflow.DROP_OLDEST)
    private var connection: Connection? = null
    /** The connection that is welcome: what is said goes there. */
    private var open: Connection? = null
    private var lastId = 0
    private var isOver = false

    public val state: StateFlow<RealtimeState> = mutableState.asStateFlow()
    /** What a server says of a message it does not take, and of no subscription. */
    public val errors: SharedFlow<TwinException> = mutableErrors.asSharedFlow()
    public val gaps: SharedFlow<Gap> = mutableGaps.asSharedFlow()

    private val toSubscriptions = object : Subscription.Client {
        override fun acknowledge(stream: String, place: Place) {
            val here = place.copy(position = null).toJson()
            say(JsonObject(message("ack", "stream" to stream) + here))
        }
        override fun unsubscribe(subscription: Subscription) {
            val known = synchronized(lock) { subscriptions.remove(subscription.id) != null }
            if (known) say(message("unsubscribe", "id" to subscription.id))
        }
        override fun gap(gap: Gap) {
            mutableGaps.tryEmit(gap)
        }
    }

    init {
        scope.launch { run() }
    }

    /** @throws IllegalArgumentException for what the gateway would end the whole connection for */
    public fun subscribe(options: SubscribeOptions): Subscription {
        require(options.topics.isNotEmpty()) { "no topics" }
        for (ids in listOf(options.members, options.sessions)) {
            require(ids.size <= IDS_MAX && ids.all(ID::matches)) { "an id is wrong, or too many" }
        }
        val subscription = synchronized(lock) {
            lastId += 1
            Subscription("s$lastId", options, this.options.queueMax, toSubscriptions).also {
                if (!isOver) subscriptions[it.id] = it
            }
        }
        if (isOver) subscription.end(TwinException("SHUTTING_DOWN"))
        say(subscription.message())
        return subscription
    }

    /** That the caller is there, on this connection and those that follow it. */
    public fun join(member: String) {
        require(ID.matches(member)) { "the id is wrong" }
        synchronized(lock) { joined += member }
        say(presence(member, "join"))
    }

    public fun leave(member: String) {
        if (synchronized(lock) { joined.remove(member) }) say(presence(member, "leave"))
    }

    /** Connects now rather than when the pause is over: the network is back. */
    public fun retryNow() {
        wake.trySend(Unit)
    }

    override fun close(): Unit = finish(RealtimeState.Closed, null)

    private suspend fun run() {
        var attempts = 0
        val refused = mutableListOf<String>()
        while (true) {
            mutableState.value = RealtimeState.Connecting
            val ended = oneConnection()
            if (ended.held) {
                attempts = 0
                backOff.reset()
            }
            if (ended.reached != Reached.NOTHING) refused.clear()
            val token = ended.token
            if (ended.verdict.again == Again.TOKEN && token != null) {
                // The source has nothing better to give: to come again with it would change nothing.
                val hopeless = token in refused || refused.size + 1 >= REFUSED_MAX
                if (hopeless) return fail(ended.verdict.error)
                refused += token
            }
            attempts += 1
            val isLast = ended.verdict.again == Again.NEVER || attempts >= options.maxAttempts
            if (isLast) return fail(ended.verdict.error)
            pause(attempts, ended.verdict.error)
        }
    }

    private suspend fun pause(attempts: Int, error: TwinException) {
        mutableState.value = RealtimeState.Waiting(attempts, backOff.nextMs, error)
        wake.tryReceive()
        val woken = withTimeoutOrNull(backOff.pauseMs()) { wake.receive() } != null
        if (woken) backOff.reset()
    }

    private class Ended(
        val verdict: Verdict,
        val reached: Reached = Reached.NOTHING,
        val held: Boolean = false,
        val token: String? = null,
    )

    private suspend fun oneConnection(): Ended {
        val token = try {
            tokens.current()
        } catch (error: TwinException) {
            return Ended(Verdict(error, Again.YES))
        }
        val url = options.url.replaceFirst("http", "ws").trimEnd('/') + "/v1/ws"
        val own = Connection(options.sockets, url, token)
        synchronized(lock) { connection = own }
        var reached = Reached.NOTHING
        var held = false
        val holding = scope.launch(start = kotlinx.coroutines.CoroutineStart.LAZY) {
            delay(HELD_MS)
            held = true
        }
        val code = try {
            own.run { message ->
                if (message is ServerMessage.Welcome) {
                    reached = Reached.WELCOME
                    holding.start()
                    begin(own, message)
                } else {
                    hear(message, own)
                }
            }
        } finally {
            holding.cancel()
            synchronized(lock) {
                connection = null
                open = null
            }
        }
        return Ended(verdictOf(code), reached, held, token)
    }

    /** Everything that holds is said anew; what was missed is told by the server. */
    private fun begin(own: Connection, welcome: ServerMessage.Welcome) {
        synchronized(lock) {
            open = own
            for (member in joined) own.send(presence(member, "join"))
            for (subscription in subscriptions.values) own.send(subscription.message())
        }
        mutableState.value = RealtimeState.Connected(welcome.connection)
    }

    private fun hear(message: ServerMessage, own: Connection) {
        when (message) {
            is ServerMessage.Event -> of(message.event.subscription)?.event(message.event)
            is ServerMessage.Subscribed -> of(message.id)?.subscribed(message.streams)
            is ServerMessage.Gap -> of(message.id)?.gap(message.start)
            is ServerMessage.Presence -> of(message.subscription)?.presence(message)
            is ServerMessage.Error -> refused(message, own)
            is ServerMessage.TokenExpiring -> scope.launch { refresh(own) }
            is ServerMessage.Unsubscribed ->
                if (message.reason == "revoked") end(message.id, TwinException("NOT_FOUND"))
            else -> Unit
        }
    }

    /** In place, on the connection that asked for it: on another one its own token is newer. */
    private suspend fun refresh(own: Connection) {
        while (synchronized(lock) { open === own }) {
            try {
                val token = tokens.current()
                if (synchronized(lock) { open === own }) own.send(message("refresh", "token" to token))
                return
            } catch (error: TwinException) {
                mutableErrors.tryEmit(error)
                delay(AGAIN_MS)
            }
        }
    }

    private fun refused(message: ServerMessage.Error, own: Connection) {
        val error = TwinException(message.code, message.message)
        val subscription = message.id?.let(::of)
        when {
            subscription == null -> mutableErrors.tryEmit(error)
            error.isPassing -> scope.launch {
                delay(AGAIN_MS)
                // Another connection has begun with it already.
                if (of(subscription.id) === subscription && synchronized(lock) { open === own }) {
                    own.send(subscription.message())
                }
            }
            else -> end(subscription.id, error)
        }
    }

    private fun of(id: String): Subscription? = synchronized(lock) { subscriptions[id] }

    private fun end(id: String, error: TwinException) {
        synchronized(lock) { subscriptions.remove(id) }?.end(error)
    }

    /** What is said while nobody hears is no loss: each connection begins with what then holds. */
    private fun say(message: JsonObject) {
        synchronized(lock) { open }?.send(message)
    }

    private fun fail(error: TwinException): Unit = finish(RealtimeState.Failed(error), error)

    private fun finish(state: RealtimeState, error: TwinException?) {
        val all = synchronized(lock) {
            if (isOver) return
            isOver = true
            subscriptions.values.toList().also { subscriptions.clear() }
        }
        mutableState.value = state
        for (subscription in all) subscription.end(error)
        synchronized(lock) { connection }?.close()
        scope.cancel()
    }

    private fun presence(member: String, action: String): JsonObject =
        message("presence", "member" to member, "action" to action)

    private companion object {
        val ID = Regex("[A-Za-z0-9-]{1,64}")
        const val IDS_MAX = 100
        /** A connection that held so long ends the row of failures. */
        const val HELD_MS = 5_000L
        /** Different tokens in a row that the server does not take. */
        const val REFUSED_MAX = 3
        /** A refused subscription that may be taken later, and a token that could not be had. */
        const val AGAIN_MS = 5_000L
    }
}
