import { MessagesSquare } from 'lucide-react';
import { Notice } from '@/components/ui/Notice';
import { t } from '@/i18n';

/** Beside the list, while no conversation is chosen. */
export function HomeRoute() {
  return (
    <div className="flex h-full items-center justify-center">
      <Notice icon={<MessagesSquare size={28} />} title={t.list.choose} hint={t.list.chooseHint} />
    </div>
  );
}
