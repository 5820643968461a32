import type { StreamMessage } from '@activation-hub/console-contract';

/**
 * What the console says over server-sent events, message by message, until the stream ends or the
 * request is aborted.
 */
export async function* streamMessages({ body }: Response): AsyncGenerator<StreamMessage> {
  let rest = '';
  for await (const part of body ?? []) {
    const texts = (rest + Buffer.from(part).toString()).split('\n\n');
    rest = texts.pop() ?? '';
    for (const text of texts) yield JSON.parse(text.slice('data: '.length)) as StreamMessage;
  }
}
