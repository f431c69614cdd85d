/** A scripted model in the place of a real chat model, so that the example runs anywhere. */
import { AIMessage, ToolMessage } from '@langchain/core/messages';

/** Asks for the document first, then says what to do about it. */
export async function answer(messages) {
  const last = messages.at(-1);
  if (ToolMessage.isInstance(last)) return new AIMessage(`Noted: ${last.text.slice(0, 60)}`);
  const args = { uri: last.text, budget: 300 };
  const call = { type: 'tool_call', id: '1', name: 'readDocument', args };
  return new AIMessage({ content: '', tool_calls: [call] });
}
