// How a value that `azd env set` stores as text is read in the parameters of both layers. An empty value
// counts as not set: azd has no command that unsets a value.

@export()
@description('Returns the list in a text, separated by commas; spaces are ignored.')
func listOf(text string) string[] => filter(map(split(text, ','), one => trim(one)), one => !empty(one))

@export()
@description('Returns the text, or its default if it is empty.')
func textOr(text string, default string) string => empty(trim(text)) ? default : trim(text)
