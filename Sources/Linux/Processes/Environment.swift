import Glibc

/// The process's environment.
package enum Environment {
    package static func value(_ name: String) -> String? {
        // Sound: the text is copied at once; nothing in this process changes its environment.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Those of `names` that are set.
    package static func values(_ names: [String]) -> [String: String] {
        var found: [String: String] = [:]
        for name in names { found[name] = value(name) }
        return found
    }

    /// All of them, each as `NAME=value`.
    package static var all: [String] {
        var entries: [String] = []
        // Sound: a list that a null pointer ends, which nothing in this process changes.
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            unsafe entries.append(String(cString: entry))
            unsafe next += 1
        }
        return entries
    }
}

/// The process's standard error.
package enum StandardError {
    /// Milliseconds that a log's reader may take before what it does not read is left out.
    private static let patience: Int32 = 100

    /// Writes all of `text`, made printable, as far as it is taken.
    package static func write(_ text: String) { writeAll(Array(text.printable.utf8)) }

    private static func writeAll(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty, let count = FileWriting.append(rest.span, to: 2) { rest = rest.dropFirst(count) }
    }

    /// Writes `text`, an entry that ends with a line break, for whoever follows what a process does that has better to do
    /// than to wait for them: when the reader of a pipe has stopped, the rest is left out. What may stand in the middle of an
    /// entry, such as a name from outside, begins none: all lines but the first are indented.
    package static func log(_ text: String) {
        let bytes = Array(entry(text.printable).utf8)
        if FileWriting.neverWaits(2) { return writeAll(bytes) }
        var rest = bytes[...]
        while !rest.isEmpty, FileWriting.awaitRoom(2, milliseconds: patience),
            let count = FileWriting.append(rest.span.extracting(first: FileWriting.pieceOfPipe), to: 2)
        {
            rest = rest.dropFirst(count)
        }
    }

    internal static func entry(_ text: String) -> String {
        let lines = text.split(separator: "\n")
        return lines.isEmpty ? "" : lines.joined(separator: "\n    ") + "\n"
    }
}
