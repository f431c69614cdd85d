package io.digitaltwin.realtime

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.intOrNull
import kotlinx.serialization.json.longOrNull

/** A place in one stream. Offsets compare only within one epoch. */
public data class Place(
    public val epoch: String,
    public val offset: Long,
    /** Of the last event that had one: by it the change feed goes on where the stream cannot. */
    public val position: String? = null,
) {
    internal fun toJson(): JsonObject = JsonObject(
        buildMap {
            put("epoch", JsonPrimitive(epoch))
            put("offset", JsonPrimitive(offset))
            position?.let { put("position", JsonPrimitive(it)) }
        },
    )
}

/** An event, as `docs/gateway.md` has it. What it says stands in [data]. */
public data class RealtimeEvent(
    /** Of the event: the same whenever and wherever it is told. */
    public val id: String,
    /** Word of the event, such as `call.join`. */
    public val type: String,
    public val topic: String,
    public val subscription: String,
    /** `member:{id}` or `session:{id}`. */
    public val stream: String,
    public val place: Place,
    /** ISO 8601: when it happened. */
    public val time: String,
    /** Document that it is about. */
    public val uri: String? = null,
    /** For `minPosition`: from there on a read shows at least this. */
    public val position: String? = null,
    public val data: JsonObject? = null,
    public val document: JsonElement? = null,
    public val documentOmitted: Boolean = false,
    /** With a document: whose record is open to the caller by break-glass. Show it to the person. */
    public val breakGlass: JsonElement? = null,
    /** Told after `since`, not as it happened. */
    public val replayed: Boolean = false,
    /** Events of the same document that it stands for, where the client was slow. */
    public val conflated: Int = 1,
)

public data class PresentUser(public val id: String, public val info: JsonElement? = null)

/** How one stream of a subscription begins, or goes on after a gap. */
internal data class Start(
    val stream: String,
    val place: Place,
    val recovered: Boolean,
    val reason: String?,
    val changes: String?,
)

/** What the server says. Whatever is none of these is taken as nothing: a later version says more. */
internal sealed interface ServerMessage {
    data class Welcome(val connection: String, val heartbeatMs: Long) : ServerMessage
    data class Event(val event: RealtimeEvent) : ServerMessage
    data class Subscribed(val id: String, val streams: List<Start>) : ServerMessage
    data class Unsubscribed(val id: String, val reason: String) : ServerMessage
    data class Gap(val id: String, val start: Start) : ServerMessage
    data class Presence(
        val subscription: String,
        val stream: String,
        val event: String,
        val users: List<PresentUser>,
    ) : ServerMessage
    data class Error(val code: String, val message: String, val id: String?) : ServerMessage
    data object TokenExpiring : ServerMessage
    data object Other : ServerMessage
}

/** `null` for what is no message at all. */
internal fun serverMessageOf(text: String): ServerMessage? {
    val json = runCatching { Json.parseToJsonElement(text) }.getOrNull() as? JsonObject ?: return null
    val type = json.text("type") ?: return null
    // What lacks a field that it must have is no message of this protocol.
    return runCatching { if ('.' in type) event(json, type) else message(json, type) }.getOrNull()
}

private val Json = kotlinx.serialization.json.Json

private fun message(json: JsonObject, type: String): ServerMessage = when (type) {
    "welcome" -> ServerMessage.Welcome(json.need("connection"), json.needLong("heartbeatMs"))
    "subscribed" -> ServerMessage.Subscribed(json.need("id"), json.objects("streams").map(::startOf))
    "unsubscribed" -> ServerMessage.Unsubscribed(json.need("id"), json.need("reason"))
    "gap" -> ServerMessage.Gap(json.need("id"), startOf(json))
    "presence" -> ServerMessage.Presence(
        json.need("subscription"),
        json.need("stream"),
        json.need("event"),
        json.objects("users").map { PresentUser(it.need("id"), it["info"]) },
    )
    "error" -> ServerMessage.Error(json.need("code"), json.need("message"), json.text("id"))
    "token_expiring" -> ServerMessage.TokenExpiring
    else -> ServerMessage.Other
}

private fun event(json: JsonObject, type: String) = ServerMessage.Event(
    RealtimeEvent(
        id = json.need("id"),
        type = type,
        topic = json.need("topic"),
        subscription = json.need("subscription"),
        stream = json.need("stream"),
        place = placeOf(json),
        time = json.need("time"),
        uri = json.text("uri"),
        position = json.text("position"),
        data = json["data"] as? JsonObject,
        document = json["document"],
        documentOmitted = json.flag("documentOmitted"),
        breakGlass = json["breakGlass"],
        replayed = json.flag("replayed"),
        conflated = (json["conflated"] as? JsonPrimitive)?.intOrNull ?: 1,
    ),
)

private fun startOf(json: JsonObject) = Start(
    json.need("stream"),
    placeOf(json),
    (json["recovered"] as? JsonPrimitive)?.booleanOrNull ?: error("recovered"),
    json.text("reason"),
    json.text("changes"),
)

private fun placeOf(json: JsonObject) = Place(json.need("epoch"), json.needLong("offset"))

private fun JsonObject.text(name: String): String? =
    (this[name] as? JsonPrimitive)?.takeIf { it.isString }?.content

private fun JsonObject.need(name: String): String = text(name) ?: error(name)

private fun JsonObject.needLong(name: String): Long =
    (this[name] as? JsonPrimitive)?.takeIf { !it.isString }?.longOrNull ?: error(name)

private fun JsonObject.flag(name: String): Boolean =
    (this[name] as? JsonPrimitive)?.booleanOrNull ?: false

private fun JsonObject.objects(name: String): List<JsonObject> =
    (this[name] as? JsonArray ?: error(name)).map { it as? JsonObject ?: error(name) }
