package import Linux
import Synchronization

/// Messages for a loop's owner from other threads.
package final class Mailbox<Message: Sendable>: Sendable {
    private let waiting = Mutex<[Message]>([])
    private let bell: EventFD

    fileprivate var descriptor: Int32 { bell.raw }

    package init() throws(SystemError) {
        bell = try EventFD()
    }

    /// Hands over a message. May be called from any thread; the reader's loop wakes up.
    package func post(_ message: Message) {
        waiting.withLock { $0.append(message) }
        bell.signal()
    }

    fileprivate func takeAll() -> [Message] {
        bell.clear()
        return waiting.withLock { queue in
            let all = queue
            queue = []
            return all
        }
    }
}

/// Reads a mailbox on a loop's thread. The loop keeps it, and it the handler.
package final class MailboxReader<Message: Sendable>: EventHandler {
    package let registration = Registration()
    private let mailbox: Mailbox<Message>
    private let handle: (Message) -> Void

    package init(_ mailbox: Mailbox<Message>, on loop: EventLoop, handle: @escaping (Message) -> Void)
        throws(SystemError)
    {
        self.mailbox = mailbox
        self.handle = handle
        try loop.add(self, descriptor: mailbox.descriptor, interest: [.readable], activity: .publishing)
    }

    package func ready(_ events: Epoll.Events) {
        for message in mailbox.takeAll() { handle(message) }
    }
}
