# Completes roomctl in bash.
_FUNCTION() {
    # Bash splits the line at = and : too, which options and room ids may hold: what stands together
    # in the line before the cursor is one word.
    local rest="${COMP_LINE:0:COMP_POINT}" piece prefix candidate last=-1 i
    local -a words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((last < 0)) || [[ -z $rest || $rest == [[:blank:]]* ]]; then
            rest="${rest#"${rest%%[![:blank:]]*}"}"
            words[++last]=""
        fi
        piece="${COMP_WORDS[i]}"
        ((i < COMP_CWORD)) || piece="$rest"
        words[last]+="$piece"
        rest="${rest#"$piece"}"
    done
    local typed="${words[last]}"
    words=("${words[@]//[\\\'\"]/}")
    # Of the last word, bash replaces only the piece that it knows.
    prefix="${words[last]%"${2//[\\\'\"]/}"}"
    COMPREPLY=()
    while IFS= read -r candidate || [[ -n $candidate ]]; do
        candidate="${candidate#"$prefix"}"
        [[ $typed == [\'\"]* ]] || printf -v candidate %q "$candidate"
        COMPREPLY+=("$candidate")
    done < <(VARIABLE=bash _CLAP_COMPLETE_INDEX=$last COMPLETER -- "${words[@]}" 2>/dev/null)
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _FUNCTION BINARY 2>/dev/null || complete -F _FUNCTION BINARY
