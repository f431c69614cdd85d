package io.digitaltwin.realtime

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/** What a filter may look at: headers of an event, never what it says. */
public enum class FilterField(internal val word: String) {
    MEMBER("member"),
    ACCOUNT("account"),
    SESSION("session"),
    TYPE("type"),
    URI("uri"),
    SOURCE("source"),
}

/** Flat conditions and their combinations. */
public sealed interface Filter {
    public data class Eq(public val field: FilterField, public val value: String) : Filter
    public data class In(public val field: FilterField, public val values: List<String>) : Filter
    public data class Prefix(public val field: FilterField, public val value: String) : Filter
    public data class And(public val parts: List<Filter>) : Filter
    public data class Or(public val parts: List<Filter>) : Filter
    public data class Not(public val part: Filter) : Filter
}

internal fun Filter.toJson(): JsonObject = when (this) {
    is Filter.Eq -> condition(field, "eq", JsonPrimitive(value))
    is Filter.In -> condition(field, "in", JsonArray(values.map(::JsonPrimitive)))
    is Filter.Prefix -> condition(field, "prefix", JsonPrimitive(value))
    is Filter.And -> JsonObject(mapOf("and" to JsonArray(parts.map { it.toJson() })))
    is Filter.Or -> JsonObject(mapOf("or" to JsonArray(parts.map { it.toJson() })))
    is Filter.Not -> JsonObject(mapOf("not" to part.toJson()))
}

private fun condition(field: FilterField, how: String, value: kotlinx.serialization.json.JsonElement) =
    JsonObject(mapOf("field" to JsonPrimitive(field.word), how to value))
