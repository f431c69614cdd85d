"""A scripted model in the place of a real chat model, so that the example runs anywhere."""

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage


async def answer(messages: list[AnyMessage]) -> AIMessage:
    """Asks for the document first, then says what to do about it."""
    if isinstance(messages[-1], ToolMessage):
        return AIMessage(f"Noted: {messages[-1].text[:60]!r}")
    args = {"uri": messages[-1].text, "budget": 300}
    return AIMessage("", tool_calls=[{"name": "readDocument", "args": args, "id": "1"}])
