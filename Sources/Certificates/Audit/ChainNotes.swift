import OpenSSL
import Site
import Synchronization

/// Which chains generations came with, as the lines of a history tell. It is read from its end on, no farther than what is asked
/// for: what is in use came late. Any thread may ask.
internal final class ChainNotes: Sendable {
    private struct Note: Sendable {
        /// SHA-256 of the certificate, and of its chain.
        let fingerprint: String
        let chain: String
    }

    private struct Reading: Sendable {
        /// What was not read yet; nil before the first question.
        var rest: ArraySlice<UInt8>?
        /// By the certificate's name and the generation.
        var notes: [String: Note] = [:]

        /// The last line of the rest, which becomes shorter by it; nil when there is none.
        mutating func nextLine() -> ArraySlice<UInt8>? {
            guard let bytes = rest, !bytes.isEmpty else { return nil }
            let end = bytes.last == 0x0A ? bytes.endIndex - 1 : bytes.endIndex
            let start = bytes[..<end].lastIndex(of: 0x0A).map { $0 + 1 } ?? bytes.startIndex
            rest = bytes[..<start]
            return bytes[start..<end]
        }

        mutating func take(_ line: ArraySlice<UInt8>) {
            let text = Substring(decoding: line, as: UTF8.self)
            // A line that is not as it was written tells nothing; whether lines are missing is another question.
            guard text.utf8.firstRange(of: ChainNotes.mark) != nil, let value = JSONValue(parsing: String(text)),
                let hash = value["hash"]?.text, AuditLog.isBound(text.utf8, by: hash), let event = AuditEvent(value),
                let chain = event.chain
            else { return }
            let place = ChainNotes.place(event.certificate, event.generation)
            guard notes[place] == nil else { return }
            notes[place] = Note(fingerprint: event.fingerprint, chain: chain)
        }
    }

    /// What a line has that tells of a chain.
    private static let mark = "\"chain\":\"".utf8

    private let reading = Mutex(Reading())

    private static func place(_ name: String, _ generation: Int) -> String { "\(name)/\(generation)" }

    /// Whether a generation came with another chain than this one, behind the same certificate. Of what no line tells, nothing is
    /// known.
    func contradict(_ chain: [Certificate], of name: String, generation: Int, in audit: AuditLog) -> Bool {
        let place = Self.place(name, generation)
        let note = reading.withLock { reading -> Note? in
            if reading.rest == nil { reading.rest = ((try? audit.contents()) ?? [])[...] }
            while reading.notes[place] == nil, let line = reading.nextLine() { reading.take(line) }
            return reading.notes[place]
        }
        guard let note, chain.first?.fingerprint == note.fingerprint else { return false }
        return chain.fingerprint != note.chain
    }
}
