import Control
import Glibc
import Linux
import Synchronization

/// What the fake data plane's worker answers, and on which sockets.
final class SharedAnswer: Sendable {
    private let state = Mutex<(listeners: [ListeningSocket], text: String)>(([], ""))

    func set(listeners: [ListeningSocket], _ text: String) {
        state.withLock { $0 = (listeners, text) }
    }

    /// Answers those who wait, then rests for a moment.
    func serve() {
        state.withLock { current in
            let (listeners, text) = current
            let ready = Readiness.wait(listeners.map(\.raw), milliseconds: 0)
            for (listener, isReady) in zip(listeners, ready) where isReady {
                guard let accepted = try? Socket.accept(listener.raw) else { continue }
                let socket = accepted.takeSocket()
                _ = LineTransfer.send(text, to: socket.raw, within: 1_000)
            }
        }
        usleep(500)
    }
}

/// One connection to a fake data plane.
enum FakeClient {
    struct Answer: Equatable {
        let process: Int32
        let plan: String
        let key: Int
    }

    /// Connects and reads the answer; nil when the connection was refused or reset.
    static func ask(_ address: SocketAddress, milliseconds: Int32 = 60_000) -> Answer? {
        guard let socket = try? Socket.connect(to: address) else { return nil }
        var text: [UInt8] = []
        while true {
            guard Readiness.wait([socket.raw], milliseconds: milliseconds)[0] else { return nil }
            var room = [UInt8](repeating: 0, count: 512)
            let count = unsafe read(socket.raw, &room, room.count)
            if count < 0 { return nil }
            if count == 0 { break }
            text += room.prefix(count)
        }
        let words = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 3, let process = Int32(words[0]), let key = Int(words[2]) else { return nil }
        return Answer(process: process, plan: String(words[1]), key: key)
    }
}
