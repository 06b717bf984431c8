import CYAML

/// libyaml's parser, one event at a time. Wrapped so that nothing of C is seen outside this file.
///
/// Unsafe code here stands on three facts: the parser and its input live on the heap at fixed addresses from `init` to
/// `deinit`; strings of an event are copied before the event is deleted; libyaml writes only to what it was given.
@safe struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// - Parameter bytes: UTF-8 without a byte order mark.
    init(_ bytes: [UInt8]) {
        unsafe input = .allocate(capacity: max(bytes.count, 1))
        _ = unsafe input.initialize(from: bytes)
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else { fatalError("out of memory: libyaml's parser") }
        // Named, because libyaml would guess UTF-16 and every column would be off.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event. After `.streamEnd` or `.failure` there is none: do not ask again.
    mutating func next() -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { return failure() }
        defer { unsafe yaml_event_delete(&event) }
        let start = unsafe event.start_mark
        let end = unsafe event.end_mark
        let range = SourceRange(
            SourcePosition(line: Int(start.line) + 1, column: Int(start.column) + 1),
            width: end.line == start.line && end.column > start.column ? Int(end.column - start.column) : 1
        )
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return YAMLEvent(.streamStart, range)
        case YAML_STREAM_END_EVENT: return YAMLEvent(.streamEnd, range)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(.documentStart, range)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(.documentEnd, range)
        case YAML_ALIAS_EVENT: return YAMLEvent(.alias, range)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return unsafe YAMLEvent(
                .scalar(String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
                range,
                hasAnchor: scalar.anchor != nil,
                hasTag: scalar.tag != nil
            )
        case YAML_SEQUENCE_START_EVENT:
            let sequence = unsafe event.data.sequence_start
            return unsafe YAMLEvent(
                .sequenceStart,
                range,
                hasAnchor: sequence.anchor != nil,
                hasTag: sequence.tag != nil
            )
        case YAML_MAPPING_START_EVENT:
            let mapping = unsafe event.data.mapping_start
            return unsafe YAMLEvent(.mappingStart, range, hasAnchor: mapping.anchor != nil, hasTag: mapping.tag != nil)
        case YAML_SEQUENCE_END_EVENT: return YAMLEvent(.sequenceEnd, range)
        case YAML_MAPPING_END_EVENT: return YAMLEvent(.mappingEnd, range)
        default: return YAMLEvent(.failure(.init(problem: "unexpected event", offset: nil)), range)
        }
    }

    private func failure() -> YAMLEvent {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "unknown problem"
        guard unsafe parser.pointee.error != YAML_READER_ERROR else {
            // Bytes that are no text: libyaml knows their offset, and no line.
            let offset = unsafe Int(parser.pointee.problem_offset)
            return YAMLEvent(.failure(.init(problem: problem, offset: offset)), SourceRange(.none))
        }
        let mark = unsafe parser.pointee.problem_mark
        let position = SourcePosition(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
        return YAMLEvent(.failure(.init(problem: problem, offset: nil)), SourceRange(position))
    }
}

/// One event of a YAML stream.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
        case scalar(String, isPlain: Bool)
        case alias
        case failure(Failure)
    }

    /// The stream is no YAML from here on.
    struct Failure {
        let problem: String
        /// The byte at fault, when it has no line because it is no text.
        let offset: Int?
    }

    let kind: Kind
    let range: SourceRange
    var hasAnchor = false
    var hasTag = false

    init(_ kind: Kind, _ range: SourceRange, hasAnchor: Bool = false, hasTag: Bool = false) {
        self.kind = kind
        self.range = range
        self.hasAnchor = hasAnchor
        self.hasTag = hasTag
    }
}
