import Linux
import OpenSSL
import Site
import Synchronization

/// Which chains generations came with, as the lines that bring them into force tell.
extension AuditLog {
    /// Whether a generation came with another chain than this one, behind the same certificate. Of what no line tells, nothing
    /// is known. Any thread may ask.
    internal func contradicts(_ chain: [Certificate], of name: String, generation: Int) -> Bool {
        let note = Self.notes.withLock { $0[path, default: ChainNotes()].note(of: name, generation, in: self) }
        guard let note, chain.first?.fingerprint == note.fingerprint else { return false }
        return chain.fingerprint != note.chain
    }

    /// What this process has read, by the histories' paths: a gateway asks for each certificate once a minute.
    private static let notes = Mutex<[String: ChainNotes]>([:])
}

/// A history is read from its end on, no farther than what is asked for: what is in use came late. Of what is added to it
/// later, that alone is read.
private struct ChainNotes: Sendable {
    struct Note: Sendable {
        /// SHA-256 of the certificate, and of its chain.
        let fingerprint: String
        let chain: String
    }

    private var stamp: FileStamp?
    private var bytes: [UInt8] = []
    /// Where what was not read yet ends.
    private var end = 0
    /// By the certificate's name and the generation.
    private var notes: [String: Note] = [:]

    mutating func note(of name: String, _ generation: Int, in audit: AuditLog) -> Note? {
        follow(audit)
        let place = Self.place(name, generation)
        while notes[place] == nil, end > 0 {
            let start = bytes[..<(end - 1)].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            if let (place, note) = Self.note(in: bytes[start..<end]), notes[place] == nil { notes[place] = note }
            end = start
        }
        return notes[place]
    }

    /// Takes over what the file has become.
    private mutating func follow(_ audit: AuditLog) {
        let now = FileStamp(audit.path)
        guard now == nil || now != stamp else { return }
        let (known, fresh) = (bytes, (try? audit.contents()) ?? [])
        bytes = fresh
        // One that could not be read is read the next time.
        stamp = fresh.isEmpty ? nil : now
        // The last line is bound to all before it.
        let last = known.suffix(Self.tail)
        guard !known.isEmpty, fresh.count >= known.count, fresh[last.indices] == last else {
            (end, notes) = (fresh.count, [:])
            return
        }
        for line in fresh[known.count...].split(separator: 0x0A) {
            if let (place, note) = Self.note(in: line) { notes[place] = note }
        }
    }

    /// Bytes that hold the end of a line with its hash.
    private static let tail = 100

    private static func place(_ name: String, _ generation: Int) -> String { "\(name)/\(generation)" }

    private static let mark = Array("\"chain\":\"".utf8)

    private static func note(in line: ArraySlice<UInt8>) -> (place: String, note: Note)? {
        // To take thousands of lines of older versions apart takes long.
        let isMarked = line.indices.contains { line[$0] == mark[0] && line[$0...].starts(with: mark) }
        guard isMarked else { return nil }
        let text = Substring(decoding: line.last == 0x0A ? line.dropLast() : line, as: UTF8.self)
        // A line that is not as it was written tells nothing; whether lines are missing is another question.
        guard let value = JSONValue(parsing: String(text)), let hash = value["hash"]?.text,
            AuditLog.isBound(text.utf8, by: hash), let event = AuditEvent(value), let chain = event.chain
        else { return nil }
        return (place(event.certificate, event.generation), Note(fingerprint: event.fingerprint, chain: chain))
    }
}
