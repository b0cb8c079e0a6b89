/** The key that every simulated account of the bench accepts. */
export const apiKey = 'sk-proj-bench4nXq7TzLw2VbYc9RkDm5';
