/// Builds the tree of a document from its events, within bounds, and refuses what makes YAML surprising.
///
/// Refused: anchors, aliases and tags (a reader would have to know the whole file to know what a line means), keys that
/// are no words, keys that come twice, and more than one document. These faults are collected; broken syntax, depth and
/// number end the reading at once.
struct NodeComposer: ~Copyable {
    /// Lists and mappings in one another. Sites need seven.
    static let maximumDepth = 64
    /// Words, lists and mappings in all. A site of 5,000 hosts, each a server of a pool, has some 200,000, and one with
    /// 100,000 lines of policy a million. So many take 150 MB and less than half a second.
    static let maximumNodes = 2_000_000

    private var reader: YAMLEventReader
    private var nodes = 0

    private init(_ bytes: [UInt8]) {
        reader = YAMLEventReader(bytes)
    }

    /// The one document of the source, or nil when it could not be read to its end.
    static func compose(_ source: SourceText, reporting collector: inout DiagnosticCollector) -> Node? {
        // Looked for before libyaml sees them: it compares each `%TAG` with all before it, and a file of 13 MB full of
        // them keeps it busy for more than a minute.
        if let directive = source.firstLine(beginningWith: UInt8(ascii: "%")) {
            collector.report(
                .directive,
                at: SourceRange(directive),
                "directives (`%YAML`, `%TAG`) are not used in a site file",
                help: "remove the line"
            )
            return nil
        }
        var composer = NodeComposer(source.bytes)
        do {
            return try composer.document(&collector)
        } catch {
            return nil
        }
    }

    /// The reason was reported.
    private struct Unreadable: Error {}

    private mutating func document(_ collector: inout DiagnosticCollector) throws(Unreadable) -> Node? {
        var root: Node?
        while true {
            let event = try next(&collector)
            switch event.kind {
            case .streamEnd:
                if root == nil {
                    collector.report(.empty, at: nil, "the file is empty", help: "a site begins with `site: NAME`")
                }
                return root
            case .documentStart:
                if root != nil {
                    collector.report(
                        .documents,
                        at: event.range,
                        "a second document begins here",
                        help: "a site is one document; remove this `---` and what follows"
                    )
                    throw Unreadable()
                }
                root = try node(from: next(&collector), depth: 1, &collector)
            default: break
            }
        }
    }

    /// The next event, unless it is a failure.
    private mutating func next(_ collector: inout DiagnosticCollector) throws(Unreadable) -> YAMLEvent {
        let event = reader.next()
        guard case .failure(let failure) = event.kind else { return event }
        YAMLProblem.report(failure, at: event.range, to: &collector)
        throw Unreadable()
    }

    private mutating func node(
        from event: YAMLEvent,
        depth: Int,
        _ collector: inout DiagnosticCollector
    ) throws(Unreadable) -> Node {
        nodes += 1
        guard nodes <= Self.maximumNodes else {
            collector.report(.tooManyNodes, at: event.range, "the file holds more than \(Self.maximumNodes) values")
            throw Unreadable()
        }
        guard depth <= Self.maximumDepth else {
            collector.report(
                .tooDeep,
                at: event.range,
                "lists and mappings are nested more than \(Self.maximumDepth) deep"
            )
            throw Unreadable()
        }
        if event.hasAnchor {
            collector.report(
                .anchor,
                at: event.range,
                "anchors (`&name`) are not used in a site file",
                help: Self.writeOut
            )
        }
        if event.hasTag { refuseTag(event.range, &collector) }
        switch event.kind {
        case .scalar(let text, let isPlain): return Node(content: .scalar(text, isPlain: isPlain), range: event.range)
        case .sequenceStart:
            var items: [Node] = []
            while true {
                let item = try next(&collector)
                if case .sequenceEnd = item.kind { break }
                items.append(try node(from: item, depth: depth + 1, &collector))
            }
            return Node(content: .sequence(items), range: SourceRange(event.range.start))
        case .mappingStart:
            let entries = try mapping(depth: depth, &collector)
            return Node(content: .mapping(entries), range: SourceRange(event.range.start))
        default:
            // What is left at the place of a value is an alias.
            collector.report(
                .alias,
                at: event.range,
                "aliases (`*name`) are not used in a site file",
                help: Self.writeOut
            )
            return Node(content: .refused, range: event.range)
        }
    }

    private mutating func mapping(
        depth: Int,
        _ collector: inout DiagnosticCollector
    ) throws(Unreadable) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try next(&collector)
            if case .mappingEnd = event.kind { return entries }
            let key = try node(from: event, depth: depth + 1, &collector)
            let value = try node(from: next(&collector), depth: depth + 1, &collector)
            switch key.content {
            case .scalar(let text, _):
                if let line = lines.updateValue(key.range.start.line, forKey: text) {
                    collector.report(
                        .duplicateKey,
                        at: key.range,
                        "the key \(quoted(text)) is here twice",
                        help: "it stands in line \(line) already; remove one of them"
                    )
                } else if !Self.isMerge(text, value) {
                    entries.append(Node.Entry(key: text, keyRange: key.range, value: value))
                }
            case .refused: break
            case .sequence, .mapping:
                collector.report(.complexKey, at: key.range, "a key must be a word, not \(key.kind)")
            }
        }
    }

    /// `<<: *alias`: refused already, as an alias.
    private static func isMerge(_ key: String, _ value: Node) -> Bool {
        guard key == "<<", case .refused = value.content else { return false }
        return true
    }

    private static let writeOut = "write the value out where it is needed"

    private func refuseTag(_ range: SourceRange, _ collector: inout DiagnosticCollector) {
        collector.report(.tag, at: range, "tags (`!name`) are not used in a site file", help: "remove the tag")
    }
}
