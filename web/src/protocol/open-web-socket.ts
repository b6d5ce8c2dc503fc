import type { WebSocketLike } from './SocketLink';

const subprotocol = 'elastic-chat.v1.json';

/** A WebSocket to the server that this page came from. */
export function openWebSocket(): WebSocketLike {
  const url = new URL('/v1/ws', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new WebSocket(url, subprotocol) as WebSocketLike;
}
