import { useParams } from '@tanstack/react-router';
import { ConversationScreen } from '@/features/conversations/ConversationScreen';

export function ConversationRoute() {
  const { id } = useParams({ from: '/shell/c/$id' });
  return <ConversationScreen id={id} />;
}
