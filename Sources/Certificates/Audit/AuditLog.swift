import Linux
import OpenSSL
import Site
import Synchronization

/// The store's history: one line of JSON for each change, each bound to the one before by a hash, so that a line that
/// was changed, taken out or put in shows.
///
/// Nothing is built upon a history that does not hold, and nothing waits for a person because of one: it is set aside whole,
/// and another begins (`AuditLog+SetAside.swift`).
///
/// Whoever may write the store may write the whole history anew: the hash of the last line, kept elsewhere, tells that too.
/// Writers hold the store's lock.
package struct AuditLog: Sendable {
    package let path: String

    /// A year of a thousand certificates is 4 MiB.
    internal static let limit = 256 << 20
    /// What the first line names as the one before it.
    internal static let beginning = String(repeating: "0", count: 64)

    package init(path: String) {
        self.path = path
    }

    /// One line that was read back.
    package struct Entry: Sendable, Equatable {
        /// Counted from 1.
        package let number: Int
        /// Seconds since 1970.
        package let moment: Int64
        package let event: AuditEvent
        /// By which the next line is bound to this one.
        package let hash: String
    }

    /// What a look at the whole history found.
    package struct Findings: Sendable, Equatable {
        /// Up to the first fault.
        package var entries: [Entry] = []
        /// The first line that does not hold, counted from 1, and why.
        package var fault: (line: Int, why: String)?
        /// The fault is that the last line has no end: all before it hold.
        package var isCutShort = false

        package static func == (left: Findings, right: Findings) -> Bool {
            left.entries == right.entries && left.fault?.line == right.fault?.line
                && left.fault?.why == right.fault?.why
        }
    }

    /// Adds events, on the disk before this returns. A history that does not hold is set aside before.
    ///
    /// - Parameter now: seconds since 1970.
    package func append(_ events: AuditEvent..., now: Int64) throws(CertificateProblem) {
        try append(events, now: now)
    }

    /// The same for many, by one write.
    package func append(_ events: [AuditEvent], now: Int64) throws(CertificateProblem) {
        let stamp = FileStamp(path)
        // A long one that nobody has touched since this process looked at all of it: thousands of lines in a row cost what
        // each costs.
        if let end = Self.ends.withLock({ $0[path] }), end.last.number >= Self.long, stamp != nil, end.stamp == stamp {
            return try write([], events, after: end.last, now)
        }
        // A line that a crash cut short told of nothing that happened: the store changes only after it.
        let look = try lookToGoOnFrom()
        let bytes = look.torn.map { Array(Self.mark($0).utf8) } ?? []
        try write(bytes, (look.last == Link() ? beginnings : []) + events, after: look.last, now)
    }

    /// The history so far; empty where what there was had to be set aside.
    private func lookToGoOnFrom() throws(CertificateProblem) -> Look {
        do throws(CertificateProblem) {
            let look = Self.look(at: try contents())
            if look.fault == nil { return look }
        } catch {
            // Who may not read it may be no user of this store; in a store of his own it is another's file.
            guard error.isOfThisFile, !error.isDenied || isInOwnFolder else { throw error }
        }
        try setAside()
        return Look()
    }

    /// Lines from which on it takes long to look at all.
    private static let long = 500

    /// How histories end that this process has written to or looked at, by their paths.
    private static let ends = Mutex<[String: End]>([:])

    private struct End: Sendable {
        let stamp: FileStamp?
        let last: Link
    }

    private func write(
        _ before: [UInt8],
        _ events: [AuditEvent],
        after link: Link,
        _ now: Int64
    ) throws(CertificateProblem) {
        var bytes = before
        var last = link
        for event in events {
            let (line, hash) = Self.line(event, number: last.number + 1, now, after: last.hash)
            bytes += Array((line + "\n").utf8)
            last = Link(number: last.number + 1, hash: hash)
        }
        do throws(FileError) {
            try FileWriting.appendDurably(bytes.span, to: path)
        } catch {
            throw .file(error)
        }
        let end = End(stamp: FileStamp(path), last: last)
        Self.ends.withLock { $0[path] = end }
    }

    /// Looks at every line, and remembers that they hold.
    internal func lookAtAll() throws(CertificateProblem) -> Standing {
        let stamp = FileStamp(path)
        let look = Self.look(at: try contents())
        if let fault = look.fault { return .damaged(fault) }
        if look.torn != nil { return .cutShort }
        let end = End(stamp: stamp, last: look.last)
        Self.ends.withLock { $0[path] = end }
        return .holds
    }

    /// Whether nobody has touched it since this process wrote to it, or looked at all of it.
    internal var isKnownToHold: Bool {
        guard let end = Self.ends.withLock({ $0[path] }), let stamp = FileStamp(path) else { return false }
        return end.stamp == stamp
    }

    /// Reads the history and looks at every line of it. There is none before the first change.
    package func verify() throws(CertificateProblem) -> Findings {
        let (whole, torn) = Self.parts(of: String(decoding: try contents(), as: UTF8.self))
        var findings = Self.verify(whole)
        guard let torn, findings.fault == nil else { return findings }
        findings.fault = (whole.utf8.count { $0 == 0x0A } + 1, Self.wordsOfTorn(torn))
        findings.isCutShort = true
        return findings
    }

    private static func wordsOfTorn(_ torn: String) -> String {
        mayBeginLine(torn)
            ? "is cut short, as a crash leaves it, or whoever took the rest away" : "is no line of an audit log"
    }

    internal func contents() throws(CertificateProblem) -> [UInt8] {
        do throws(FileError) {
            return try FileReading.read(path, limit: Self.limit, trust: .ownerOnly, followsLink: false)
        } catch {
            if error.isNoSuchFile { return [] }
            throw .file(error)
        }
    }

    /// There is nothing in it, or it is not there.
    internal var isEmpty: Bool { FileStamp(path)?.isEmpty ?? true }

    /// Whether any line tells of a certificate of this name in the store, whether the history holds or not.
    internal func tells(of name: String) -> Bool {
        guard let bytes = try? contents() else { return false }
        return bytes[...].holds(Self.mark(of: name))
    }

    /// What each line has that tells of a certificate of this name.
    private static func mark(of name: String) -> [UInt8] { Array("\"certificate\":\"\(name)\"".utf8) }

    /// SHA-256 of all certificates that the store has had under a name, whether the history holds or not.
    internal func fingerprints(of name: String) -> Set<String> { Set(events(of: name).map(\.fingerprint)) }

    /// What was done under a name of the store, whether the history holds or not.
    internal func events(of name: String) -> [AuditEvent] {
        guard let bytes = try? contents() else { return [] }
        let mark = Self.mark(of: name)
        return bytes.split(separator: 0x0A).compactMap { line -> AuditEvent? in
            guard line.holds(mark) else { return nil }
            return JSONValue(parsing: String(decoding: line, as: UTF8.self)).flatMap { AuditEvent($0) }
        }
    }

    /// The moment of the last whole line, whether the history holds or not: seconds since 1970; nil where none tells of one.
    internal var lastMoment: Int64? {
        guard let bytes = try? contents() else { return nil }
        let line = bytes.split(separator: 0x0A).last { $0.last == UInt8(ascii: "}") }
        return line.flatMap { JSONValue(parsing: String(decoding: $0, as: UTF8.self))?["time"]?.integer }
            .map { Int64($0) }
    }

    // MARK: Lines

    private static func line(
        _ event: AuditEvent,
        number: Int,
        _ now: Int64,
        after previous: String
    ) -> (line: String, hash: String) {
        let members: [JSONValue.Member] =
            [.init("number", .integer(number)), .init("at", .string(UTC.text(now))), .init("time", .integer(Int(now)))]
            + event.members + [.init("previous", .string(previous))]
        let hash = hash(JSONValue.object(members).line)
        return (JSONValue.object(members + [.init("hash", .string(hash))]).line, hash)
    }

    private static func hash(_ text: String) -> String { Fingerprint.sha256(text) }

    /// Whether a line ends with `hash`, and that is the hash of what stands before it, byte for byte.
    internal static func isBound(_ line: Substring.UTF8View, by hash: String) -> Bool {
        let end = ",\"hash\":\"\(hash)\"}".utf8
        guard line.count > end.count, line.suffix(end.count).elementsEqual(end) else { return false }
        return Fingerprint.sha256(Array(line.dropLast(end.count)) + [UInt8(ascii: "}")]) == hash
    }

    /// All whole lines, and what follows the last line break.
    private static func parts(of text: String) -> (whole: String, torn: String?) {
        let end = text.utf8.lastIndex(of: 0x0A).map { text.utf8.index(after: $0) } ?? text.startIndex
        return (String(text[..<end]), end == text.endIndex ? nil : String(text[end...]))
    }

    /// What every line begins with.
    internal static let lineStart = "{\"number\":"

    /// Whether a line may begin so, which a crash has cut short.
    private static func mayBeginLine(_ torn: String) -> Bool { torn.hasPrefix(lineStart) || lineStart.hasPrefix(torn) }

    /// Ends a torn line in such a way that it is known for one.
    private static func mark(_ torn: String) -> String { " torn \(hash(torn))\n" }

    internal static func isTorn(_ line: Substring) -> Bool {
        // A whole line ends its object, and a mark of a torn one is a hash; to look for that in thousands takes seconds.
        guard line.utf8.last != UInt8(ascii: "}"), let range = line.lastRange(of: " torn ") else { return false }
        return line[range.upperBound...] == hash(String(line[..<range.lowerBound]))
    }

    /// What one look at a history finds.
    private struct Look {
        /// The last line that holds.
        var last = Link()
        /// What follows the last line break: a line that a crash cut short tells of nothing that happened.
        var torn: String?
        /// What is wrong with the first line that does not hold, as the end of a sentence; nil when all do.
        var fault: String?
    }

    private static func look(at bytes: [UInt8]) -> Look {
        if let last = lastLink(of: bytes) { return Look(last: last) }
        let (whole, torn) = parts(of: String(decoding: bytes, as: UTF8.self))
        let findings = verify(whole)
        var look = Look(torn: torn)
        if let last = findings.entries.last { look.last = Link(number: last.number, hash: last.hash) }
        if let fault = findings.fault {
            look.fault = "is damaged: line \(fault.line) \(fault.why)"
        } else if let torn, !mayBeginLine(torn) {
            look.fault = "is damaged: what follows line \(look.last.number) is no line of an audit log"
        }
        return look
    }

    private static func verify(_ text: String) -> Findings {
        var findings = Findings()
        var previous = beginning
        // By bytes: to look for what a reader would take for a character takes four times as long.
        for (index, bytes) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = Substring(bytes)
            if line.isEmpty, index == text.utf8.count(where: { $0 == 0x0A }) { break }
            if isTorn(line) { continue }
            let number = findings.entries.count + 1
            guard let value = JSONValue(parsing: String(line)), let event = AuditEvent(value),
                let moment = value["time"]?.integer, let hash = value["hash"]?.text
            else {
                findings.fault = (index + 1, "is no line of an audit log, or is cut short")
                return findings
            }
            let isNext = value["number"]?.integer == number && value["previous"]?.text == previous
            guard isNext, isBound(bytes, by: hash) else {
                findings.fault = (
                    index + 1,
                    value["previous"]?.text == previous
                        ? "was changed after it was written" : "does not follow from the line before: lines are missing"
                )
                return findings
            }
            findings.entries.append(Entry(number: number, moment: Int64(moment), event: event, hash: hash))
            previous = hash
        }
        return findings
    }
}

extension Substring {
    /// Where `pattern` stands for the last time.
    fileprivate func lastRange(of pattern: String) -> Range<Index>? {
        var end = endIndex
        while let start = index(end, offsetBy: -pattern.count, limitedBy: startIndex) {
            if self[start..<end] == pattern { return start..<end }
            end = index(before: end)
        }
        return nil
    }
}

extension ArraySlice<UInt8> {
    /// Whether these bytes are in it, one after another. The standard library's search is generic: in a history of ten
    /// thousand lines it takes half a second.
    fileprivate func holds(_ mark: [UInt8]) -> Bool {
        guard count >= mark.count else { return false }
        return (startIndex...endIndex - mark.count).contains { start in
            self[start] == mark[0] && self[start..<start + mark.count].elementsEqual(mark)
        }
    }
}
