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

    /// A year of a thousand certificates is 3 MiB.
    internal static let limit = 256 << 20
    /// What the first line names as the one before it.
    private static let beginning = String(repeating: "0", count: 64)

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
        if let end = Self.ends.withLock({ $0[path] }), end.number >= Self.long, stamp != nil, end.stamp == stamp {
            return try write([], events, after: end.number, end.hash, now)
        }
        // A line that a crash cut short told of nothing that happened: the store changes only after it.
        let look = try lookToGoOnFrom()
        let bytes = look.torn.map { Array(Self.mark($0).utf8) } ?? []
        if let last = look.findings.entries.last {
            try write(bytes, events, after: last.number, last.hash, now)
        } else {
            try write(bytes, beginnings + events, after: 0, Self.beginning, now)
        }
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
        let number: Int
        let hash: String
        /// How many bytes were read up to there, and their SHA-256; nil where this process wrote without a look.
        var contents: (length: Int, digest: String)?
    }

    private func write(
        _ before: [UInt8],
        _ events: [AuditEvent],
        after number: Int,
        _ previous: String,
        _ now: Int64
    ) throws(CertificateProblem) {
        var bytes = before
        var (number, previous) = (number, previous)
        for event in events {
            number += 1
            let (line, hash) = Self.line(event, number: number, now, after: previous)
            bytes += Array((line + "\n").utf8)
            previous = hash
        }
        do throws(FileError) {
            try FileWriting.appendDurably(bytes.span, to: path)
        } catch {
            throw .file(error)
        }
        let end = End(stamp: FileStamp(path), number: number, hash: previous)
        Self.ends.withLock { $0[path] = end }
    }

    /// Looks at every line, and remembers that they hold: those that this process has looked at are known again by the hash
    /// of them all, so that one more costs little, however many there are.
    ///
    internal func lookAtAll() throws(CertificateProblem) -> Standing {
        let stamp = FileStamp(path)
        let text = try contents()
        let bytes = Array(text.utf8)
        var look = Look()
        var before: (number: Int, hash: String)?
        if let end = Self.ends.withLock({ $0[path] }), let known = end.contents, known.length <= bytes.count,
            Fingerprint.sha256(Array(bytes[..<known.length])) == known.digest
        {
            before = (end.number, end.hash)
            look = Self.look(at: String(decoding: bytes[known.length...], as: UTF8.self), after: end.number, end.hash)
        }
        // The number of a line that does not hold is told from the beginning.
        if before == nil || look.fault != nil { look = Self.look(at: text) }
        if let fault = look.fault { return .damaged(fault) }
        if look.torn != nil { return .cutShort }
        if let last = look.findings.entries.last.map({ ($0.number, $0.hash) }) ?? before {
            let known = (bytes.count, Fingerprint.sha256(bytes))
            let end = End(stamp: stamp, number: last.0, hash: last.1, contents: known)
            Self.ends.withLock { $0[path] = end }
        }
        return .holds
    }

    /// Whether nobody has touched it since this process wrote to it, or looked at all of it.
    internal var isKnownToHold: Bool {
        guard let end = Self.ends.withLock({ $0[path] }), let stamp = FileStamp(path) else { return false }
        return end.stamp == stamp
    }

    /// Reads the history and looks at every line of it. There is none before the first change.
    package func verify() throws(CertificateProblem) -> Findings {
        let text = try contents()
        let (whole, torn) = Self.parts(of: text)
        var findings = Self.verify(whole)
        guard let torn, findings.fault == nil else { return findings }
        findings.fault = (whole.utf8.count { $0 == 0x0A } + 1, Self.wordsOfTorn(torn))
        findings.isCutShort = true
        return findings
    }

    private static func wordsOfTorn(_ torn: String) -> String {
        torn.hasPrefix(lineStart) || lineStart.hasPrefix(torn)
            ? "is cut short, as a crash leaves it, or whoever took the rest away" : "is no line of an audit log"
    }

    internal func contents() throws(CertificateProblem) -> String {
        do throws(FileError) {
            let bytes = try FileReading.read(path, limit: Self.limit, trust: .ownerOnly, followsLink: false)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            if error.isNoSuchFile { return "" }
            throw .file(error)
        }
    }

    /// The moment of the last whole line, whether the history holds or not: seconds since 1970; nil where none tells of one.
    internal var lastMoment: Int64? {
        guard let text = try? contents() else { return nil }
        let line = text.split(separator: "\n").last { $0.utf8.last == UInt8(ascii: "}") }
        return line.flatMap { JSONValue(parsing: String($0))?["time"]?.integer }.map { Int64($0) }
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
    private static func isBound(_ line: Substring.UTF8View, by hash: String) -> Bool {
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
    private static let lineStart = "{\"number\":"

    /// Ends a torn line in such a way that it is known for one.
    private static func mark(_ torn: String) -> String { " torn \(hash(torn))\n" }

    private static func isTorn(_ line: Substring) -> Bool {
        // A whole line ends its object, and a mark of a torn one is a hash; to look for that in thousands takes seconds.
        guard line.utf8.last != UInt8(ascii: "}"), let range = line.lastRange(of: " torn ") else { return false }
        return line[range.upperBound...] == hash(String(line[..<range.lowerBound]))
    }

    /// What one look at a history finds.
    private struct Look {
        var findings = Findings()
        /// What follows the last line break: a line that a crash cut short tells of nothing that happened.
        var torn: String?
        /// What is wrong with the first line that does not hold, as the end of a sentence; nil when all do.
        var fault: String?
    }

    /// - Parameters:
    ///   - number: how many lines came before `text`.
    ///   - previous: the hash of the last of them.
    private static func look(at text: String, after number: Int = 0, _ previous: String = beginning) -> Look {
        let (whole, torn) = parts(of: text)
        var look = Look(findings: verify(whole, after: number, previous), torn: torn)
        if let fault = look.findings.fault {
            look.fault = "is damaged: line \(fault.line) \(fault.why)"
        } else if let torn, !torn.hasPrefix(lineStart), !lineStart.hasPrefix(torn) {
            let last = number + look.findings.entries.count
            look.fault = "is damaged: what follows line \(last) is no line of an audit log"
        }
        return look
    }

    private static func verify(_ text: String, after count: Int = 0, _ last: String = beginning) -> Findings {
        var findings = Findings()
        var previous = last
        // By bytes: to look for what a reader would take for a character takes four times as long.
        for (index, bytes) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = Substring(bytes)
            if line.isEmpty, index == text.utf8.count(where: { $0 == 0x0A }) { break }
            if isTorn(line) { continue }
            let number = count + findings.entries.count + 1
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
